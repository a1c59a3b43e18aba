"""Why a target is missed, where one is: from profiles taken on the machine of the figures."""

from collections.abc import Mapping

from tests.bench.figures import Findings


def reasons(findings: Findings) -> list[str]:
    """Return the reason of each kind of row that missed its target."""
    missed = {row.key for row in findings.rows if row.met is False}
    return [text for prefix, text in _REASONS.items() if any(k.startswith(prefix) for k in missed)]


_REASONS: Mapping[str, str] = {
    "acknowledgement.sqlite.c1": (
        "acknowledged, sqlite, c = 1: a Pledge is 17 statements (0.6 ms), token, roles,"
        " validation, authority test, audit leaf, request id, outbox and a log line: 2.9 ms in"
        " the service by its log; the rest is what the bare call takes too."
    ),
    "acknowledgement.sqlite.c16": (
        "acknowledged, sqlite, c = 16: one process, one interpreter lock, 2.4-2.8 ms of CPU a"
        " decision. Of the time the lock is held the relay takes 44 % (a ring is 1.1 ms through"
        " Temporal's client and its tracing), the transaction 24 %, the chain 11 %; Temporal"
        " takes 1.4-3 ms a ring of the same two cores meanwhile. The bare side rings nobody."
        " Commits are grouped; fewer rings at a time (1, 2, 4 in place of 16) changed nothing,"
        " nor did a shorter switch interval."
    ),
    "acknowledgement.postgresql": (
        "acknowledged, postgresql: the same, and 19 round trips to the database (17 statements,"
        " BEGIN, COMMIT) in place of three."
    ),
    "reservations.": (
        "reservations: bare leaves two rows; a Reserve leaves ten (its case and who holds it, the"
        " reservation, the entry and the envelope, two audit leaves, the request id, a ring, a log"
        " line) and decides: 17 statements. Its transaction alone takes 1.2 ms on SQLite: 20 % is"
        " SQLAlchemy's, for the statements that are not prepared, 15 % the driver's with the"
        " commit, 10 % the audit leaves. On PostgreSQL there are ten round trips from the"
        " envelope's lock to the commit, where bare has three, and whoever reserves next waits for"
        " them. Acknowledged, token, roles, validation, spans and the ring come to it, and Temporal"
        " and four services share the two cores."
    ),
    "inbox.call": (
        "inbox, call: to decode a case of 4.3 kB takes 64 µs and to make its message 92 µs, 8 ms a"
        " page of 50; the bare query decodes nothing and has no socket, token, roles or log line."
        " The query alone is the row beside it."
    ),
    "paths.": (
        "paths: a path makes 64 calls (launch 30, sponsorship 15, budget 11, itrisk 8). The"
        " services take 190-225 ms of CPU for them, the bare one 45-56 ms; the worker 111-150 ms"
        " against 71-93, Temporal 119-150 ms against 81-118 (search attributes, current details,"
        " larger payloads). No part stands out: of launch's locked time a third are its"
        " transactions, a third gRPC and asyncio, 18 % the chain without its handlers, 13 % the"
        " signatures of the cases it records; of the worker's a third the SDK's activations, 15"
        " % spans, 10 % the sandboxes of new paths."
    ),
    "memory.": (
        "memory of a service: 147-150 MB before its first call, 42-55 MB of it the code of"
        " libraries (gRPC, Temporal's bridge, cryptography, protovalidate), 57 MB Python"
        " objects, 33 MB the C heap. The first ring adds Temporal's client, 20 MB; SQLite's two"
        " caches hold 8 MB."
    ),
    "beating.": (
        "heartbeats: without rings Temporal takes 1 % of a core. A heartbeat is a signal, a"
        " workflow task and the marker of a read, 26 ms of Temporal; 2,000 programs send 2.2 a"
        " second."
    ),
}
