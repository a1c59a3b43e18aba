"""What the parts of a stack are started with: commands, environments, ports."""

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from investiture.chassis.settings import PREFIX
from investiture.stack import readiness, temporal_server
from investiture.stack.databases import SQLITE, url_of
from investiture.stack.folder import Folder
from investiture.stack.names import SERVICES, TEMPORAL, UI, WORKER
from investiture.stack.part import Blueprint
from investiture.stack.ports import LOOPBACK

__all__ = [
    "ANY_PORTS",
    "PREFERRED_PORTS",
    "SERVICES",
    "TEMPORAL",
    "UI",
    "WORKER",
    "Options",
    "blueprints",
]

PREFERRED_PORTS: Mapping[str, int] = {
    "launch": 7601,
    "sponsorship": 7602,
    "budget": 7603,
    "itrisk": 7604,
    TEMPORAL: 7233,
    UI: 8233,
}
"""Taken where they are free, else the next free ones."""

ANY_PORTS: Mapping[str, int] = dict.fromkeys(PREFERRED_PORTS, 0)
"""Whatever the system gives: for stacks that start and end by the dozen."""

_PASSED_ON = tuple(
    f"{PREFIX}{name}" for name in ("LOG_LEVEL", "OTLP_ENDPOINT", "TRACE_RATIO", "DRAIN_SECONDS")
)
"""Of our own variables; the others say where another stack is, or who somebody else is."""


@dataclass(frozen=True, slots=True)
class Options:
    """How a stack is set up.

    Args:
        charter: the charter file that is in force.
        database: ``sqlite``, or a PostgreSQL URL (see ``databases.url_of``).
        ports: a wished port by name; 0 takes any.
        supervise: whether a part that dies is started again.
        ui: whether Temporal's web UI runs.
        traces: whether spans are written to the folder.
        people: the directory to import while there is none; ``None`` imports nothing.
        envelopes: the envelopes to issue while there are none; ``None`` issues none.
        environment: more variables for the services and the worker.
        temporal_in_memory: whether Temporal forgets everything when it stops.
        launcher: what runs a part's module; tests put a launcher of their own here.
    """

    charter: Path
    database: str = SQLITE
    ports: Mapping[str, int] = field(default_factory=lambda: PREFERRED_PORTS)
    supervise: bool = True
    ui: bool = True
    traces: bool = True
    people: Path | None = None
    envelopes: Path | None = None
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    temporal_in_memory: bool = False
    launcher: Sequence[str] = (sys.executable, "-m")


def blueprints(folder: Folder, options: Options, ports: Mapping[str, int]) -> dict[str, Blueprint]:
    """Return every part of a stack in the order in which it is started."""
    at = {name: f"{LOOPBACK}:{port}" for name, port in ports.items()}
    parts = [_temporal(folder, options, ports)]
    parts += [_service(folder, options, at, name, ports[name]) for name in SERVICES]
    parts.append(_worker(folder, options, at))
    return {part.name: part for part in parts}


def _temporal(folder: Folder, options: Options, ports: Mapping[str, int]) -> Blueprint:
    ui_port = ports[UI] if options.ui else None
    file = (folder.databases / "temporal.db").resolve()
    database = None if options.temporal_in_memory else file
    address = f"{LOOPBACK}:{ports[TEMPORAL]}"
    return Blueprint(
        name=TEMPORAL,
        command=temporal_server.command(ports[TEMPORAL], ui_port, database),
        environment=_inherited(),
        log=folder.log(TEMPORAL),
        probe=lambda _pid: readiness.temporal_serves(address),
    )


def _service(
    folder: Folder, options: Options, at: Mapping[str, str], name: str, port: int
) -> Blueprint:
    own = {
        "HOST": LOOPBACK,
        "PORT": str(port),
        "REFLECTION": "true",
        "DATABASE_URL": url_of(options.database, folder, name),
        "CHARTER": str(options.charter.resolve()),
        "TOKEN_SUBJECT": f"workloads/{name}",
        "TOKEN_ROLES": "service",
    }
    return Blueprint(
        name=name,
        command=(*options.launcher, f"investiture.{name}"),
        environment=_environment(folder, options, at, name, own),
        log=folder.log(name),
        probe=lambda _pid: readiness.service_serves(at[name]),
    )


def _worker(folder: Folder, options: Options, at: Mapping[str, str]) -> Blueprint:
    own = {"TOKEN_SUBJECT": "workloads/worker", "TOKEN_ROLES": "worker"}
    return Blueprint(
        name=WORKER,
        command=(*options.launcher, "investiture.workflows"),
        environment=_environment(folder, options, at, WORKER, own),
        log=folder.log(WORKER),
        probe=lambda pid: readiness.worker_polls(at[TEMPORAL], pid),
    )


def _environment(
    folder: Folder, options: Options, at: Mapping[str, str], name: str, own: Mapping[str, str]
) -> dict[str, str]:
    ours = {
        **{f"{service.upper()}_ADDRESS": at[service] for service in (*SERVICES, TEMPORAL)},
        "TEMPORAL_NAMESPACE": readiness.NAMESPACE,
        "KEY_FOLDER": str(folder.keys.resolve()),
        "ISSUER_KEY_FILE": str(folder.issuer_key.resolve()),
        "LOG_FILE": str(folder.log(name).resolve()),
        **({"TRACES_FILE": str(folder.traces.resolve())} if options.traces else {}),
        **own,
    }
    given = {f"{PREFIX}{field}": value for field, value in ours.items()}
    return {**_inherited(), **given, **options.environment}


def _inherited() -> dict[str, str]:
    """Return this process's environment without the settings that belong to it alone."""
    environment = os.environ.items()
    return {k: v for k, v in environment if not k.startswith(PREFIX) or k in _PASSED_ON}
