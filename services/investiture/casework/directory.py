"""Asks sponsorship who a person is and with what authority, at the moment of a decision."""

import re
from typing import Protocol

import grpc

from investiture.api.sponsorship.v1 import sponsorship_service_pb2 as sponsorship_pb
from investiture.api.sponsorship.v1.sponsorship_service_pb2_grpc import SponsorshipServiceStub
from investiture.casework import wire
from investiture.casework.facts import Authority, Interest
from investiture.casework.money import from_money
from investiture.casework.vocabulary import SIDES
from investiture.casework.words import Purpose
from investiture.chassis.call import Call
from investiture.chassis.refusal import Denied, InvalidArgument, NotFound, Unavailable

_PERSON = re.compile(r"people/[a-z0-9][a-z0-9._-]{0,62}")


class Directory(Protocol):
    """Who is this person, with which limits, unit and delegations, now?"""

    async def resolve(self, person: str, purpose: Purpose, on_behalf_of: str = "") -> Authority:
        """The person's authority; UNAVAILABLE where the directory does not answer."""
        ...


class RemoteDirectory:
    """The directory as the other services reach it: the one synchronous call between services."""

    def __init__(self, stub: SponsorshipServiceStub) -> None:
        self._stub = stub

    async def resolve(self, person: str, purpose: Purpose, on_behalf_of: str = "") -> Authority:
        """The person's authority.

        UNAVAILABLE where the directory does not answer, so that nothing is stored.
        """
        request = sponsorship_pb.ResolveAuthorityRequest(
            person=person,
            purpose=sponsorship_pb.Purpose.Value(f"PURPOSE_{purpose.value}"),
            on_behalf_of=on_behalf_of,
        )
        try:
            answer = await self._stub.ResolveAuthority(request)
        except grpc.aio.AioRpcError as error:
            if error.code() is grpc.StatusCode.NOT_FOUND:
                raise Denied(
                    "NOT_A_HOLDER",
                    f"{person} is not in the directory; have the person imported, then decide "
                    "again",
                ) from None
            raise Unavailable(
                "the directory did not answer, so nothing was stored; repeat with the same "
                "request_id"
            ) from error
        return authority_of(answer)


def authority_of(message: sponsorship_pb.Authority) -> Authority:
    """An authority from its message."""
    limit = (
        from_money(message.limit, "limit", positive=False) if message.HasField("limit") else None
    )
    return Authority(
        person=message.person,
        on_behalf_of=message.on_behalf_of,
        active=message.active,
        unit=message.unit,
        side=SIDES.maybe(message.side),
        grade=message.grade,
        limit_minor=limit.minor if limit else None,
        limit_currency=limit.currency if limit else "",
        unlimited=message.unlimited,
        heads=tuple(message.heads),
        commands=tuple(message.commands),
        superiors=tuple(message.superiors),
        delegation=message.delegation,
        directory_digest=message.directory_digest,
        resolved_at=wire.required_instant(message, "resolved_at"),
        guest=message.guest,
        interests=tuple(Interest(one.name, one.subject) for one in message.interests),
        reports_to=tuple(message.reports_to),
    )


async def known_person(directory: Directory, person: str) -> Authority:
    """Who the directory says a person is, gone or a guest included; INVALID_FIELD for nobody."""
    try:
        return await directory.resolve(person, Purpose.POSITION)
    except (Denied, NotFound):
        raise InvalidArgument.of(
            "person", f"{person} is not in the directory; name somebody who is"
        ) from None


async def resolve_caller(
    directory: Directory, call: Call, purpose: Purpose, on_behalf_of: str = ""
) -> Authority:
    """The authority of the person who calls, in another's name where that is given.

    Refuses workloads, who decide nothing, and who has no delegation of the person they name.
    """
    person = call.principal.subject
    if not call.principal.is_person:
        raise Denied("NOT_A_HOLDER", f"{person} is no person; only persons decide")
    principal = "" if on_behalf_of == person else on_behalf_of
    if principal and not _PERSON.fullmatch(principal):
        raise InvalidArgument.of("on_behalf_of", "name a person, as people/{person}")
    authority = await directory.resolve(person, purpose, principal)
    if principal and authority.on_behalf_of != principal:
        raise Denied(
            "NOT_A_HOLDER",
            f"{principal} has delegated nothing of this kind to {person} that holds now",
        )
    return authority


def require_able(authority: Authority) -> None:
    """Refuses who has left, and guests: they see and answer, and decide nothing."""
    if not authority.active:
        raise Denied("NOT_A_HOLDER", f"{authority.person} no longer works here and decides nothing")
    if authority.guest:
        raise Denied("NOT_A_HOLDER", f"{authority.person} is a guest and decides nothing")
