"""Who may call what, as the README shows it: read from the protos' access options.

python -m investiture.cli.roles
"""

from collections import defaultdict
from collections.abc import Iterator

from investiture.api.budget.v1 import budget_service_pb2
from investiture.api.casework.v1 import case_service_pb2
from investiture.api.common.v1 import keys_pb2
from investiture.api.governance.v1 import (
    emergencies_pb2,
    governance_service_pb2,
    standing_decisions_pb2,
)
from investiture.api.itrisk.v1 import (
    acceptance_service_pb2,
    appeal_service_pb2,
    calibration_service_pb2,
    duty_service_pb2,
    itrisk_service_pb2,
    risk_service_pb2,
)
from investiture.api.launch.v1 import launch_service_pb2
from investiture.api.sponsorship.v1 import register_service_pb2, sponsorship_service_pb2
from investiture.chassis.access import role_table

SERVICES = tuple(
    service.full_name
    for module in (
        launch_service_pb2,
        sponsorship_service_pb2,
        governance_service_pb2,
        emergencies_pb2,
        standing_decisions_pb2,
        register_service_pb2,
        budget_service_pb2,
        itrisk_service_pb2,
        risk_service_pb2,
        acceptance_service_pb2,
        appeal_service_pb2,
        duty_service_pb2,
        calibration_service_pb2,
        case_service_pb2,
        keys_pb2,
    )
    for service in module.DESCRIPTOR.services_by_name.values()
)
EVERYBODY = "everybody with a token"


def table() -> Iterator[str]:
    """The table as Markdown lines: a row a role, its RPCs by service."""
    allowed: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for row in role_table(SERVICES):
        service = row.service.rpartition(".")[2]
        for role in row.roles or (EVERYBODY,):
            allowed[role][service].append(row.method)
    yield "| role | may call |"
    yield "|---|---|"
    for role in sorted(allowed, key=lambda name: (name == EVERYBODY, name)):
        calls = " · ".join(
            f"{service}: {', '.join(methods)}" for service, methods in allowed[role].items()
        )
        yield f"| {role} | {calls} |"


if __name__ == "__main__":
    print("\n".join(table()))
