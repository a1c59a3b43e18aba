"""Request ids: what is asked, and on which statements, names the request."""

from typing import Final
from uuid import UUID, uuid5

NAMESPACE: Final = UUID("3f6f2f53-5d0e-5c3b-9c0b-7d5b7a1f6e10")
"""Fixed for ever: ids are the same for every worker and version."""


def request_id(verb: str, program: str, *parts: object) -> str:
    """Return the id of one request.

    The same parts give the same id in every attempt and run, so a repetition is harmless. A request
    that carries signed statements has them among its parts: a later attempt presents fresh ones,
    and the same id with another body would be refused. What carries them is harmless to repeat by
    its nature: it answers the present record.
    """
    return str(uuid5(NAMESPACE, "\n".join((verb, program, *map(str, parts)))))
