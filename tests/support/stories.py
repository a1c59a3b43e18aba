"""What became of a program, by the records of the services that own it: to be compared."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.support.plays import Play
from tests.support.records import rows

from investiture.api.common.v1 import gate_pb2 as gates_pb
from investiture.api.common.v1 import statements_pb2

OWNERS: Mapping[gates_pb.Gate.ValueType, str] = {
    gates_pb.GATE_PLEDGE: "sponsorship",
    gates_pb.GATE_FUND: "budget",
    gates_pb.GATE_KNIGHT: "itrisk",
    gates_pb.GATE_PILOT: "launch",
    gates_pb.GATE_LAUNCH: "launch",
    gates_pb.GATE_PROVE: "launch",
}
"""The service that owns each gate, in the path's order."""

APPROPRIATED_MINOR = 100_000_00
"""What the envelope of each play holds."""


@dataclass(frozen=True, slots=True)
class Story:
    """How a path ended, who decided what, and what its records and its ledger say."""

    outcome: str
    gates: tuple[str, ...]
    """One line a gate: its newest round, how it stands, and who decided it."""
    events: Mapping[str, int]
    """How often each kind of event was recorded for the program."""
    entries: tuple[tuple[str, str, str, int], ...]
    """Kind, debit, credit and amount in cents of each entry of its ledger, in order."""
    balances: Mapping[str, int] = field(default_factory=dict[str, int])
    """The accounts of its envelope, in cents."""


async def story_of(play: Play, databases: Mapping[str, str]) -> Story:
    """Read everything that is on record of a program."""
    program = await play.program()
    # Reminders depend on how long somebody waited, and launch's copies on what it saw between.
    kinds = Counter(
        kind
        for url in databases.values()
        for (kind,) in rows(url, f"SELECT kind FROM event WHERE program = '{play.name}'")
        if not kind.endswith((".escalated", ".recorded"))
    )
    entries = rows(
        databases["budget"],
        "SELECT kind, debit, credit, amount FROM ledger_entry"
        f" WHERE envelope = '{play.envelope}' ORDER BY sequence",
    )
    return Story(
        outcome=statements_pb2.Outcome.Name(program.outcome),
        gates=tuple([await _line(play, gate, owner) for gate, owner in OWNERS.items()]),
        events=dict(kinds),
        entries=tuple((kind, debit, credit, amount) for kind, debit, credit, amount in entries),
        balances=_balances(play, databases["budget"]),
    )


def check_ledger(story: Story) -> None:
    """The money is conserved: every account is the sum of its entries, and nothing is held."""
    accounts: Counter[str] = Counter()
    for _, debit, credit, amount in story.entries:
        accounts[debit] -= amount
        accounts[credit] += amount
    assert sum(accounts.values()) == 0
    balances = story.balances
    assert balances["appropriated"] == APPROPRIATED_MINOR
    assert balances["available"] == APPROPRIATED_MINOR, "what was held came back"
    for account in ("available", "reserved", "committed", "actual", "lapsed"):
        assert accounts[account.upper()] == balances[account]


def _balances(play: Play, url: str) -> dict[str, int]:
    accounts = ("appropriated", "available", "reserved", "committed", "actual", "lapsed")
    query = f"SELECT {', '.join(accounts)} FROM envelope WHERE name = '{play.envelope}'"
    return dict(zip(accounts, rows(url, query)[0], strict=True))


async def _line(play: Play, gate: gates_pb.Gate.ValueType, owner: str) -> str:
    case = await play.case(gate, owner)
    words = (
        gates_pb.Gate.Name(gate),
        f"round {case.round}",
        gates_pb.CaseState.Name(case.state),
        gates_pb.Verdict.Name(case.verdict),
        ", ".join(one.person for one in case.deciders),
    )
    return " · ".join(words)
