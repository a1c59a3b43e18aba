"""Sponsorship's values to and from their protos."""

from collections.abc import Iterable
from datetime import datetime

from google.protobuf.message import Message

from investiture.api.common.v1 import gate_pb2
from investiture.api.sponsorship.v1 import sponsorship_service_pb2 as pb
from investiture.casework import wire
from investiture.casework.facts import Authority, Condition
from investiture.casework.money import Amount, to_money
from investiture.casework.operations import Reading
from investiture.casework.vocabulary import GATES, SIDES, Vocabulary
from investiture.casework.words import CaseState, Purpose
from investiture.charter.model import Charter
from investiture.charter.organisation import Unit
from investiture.chassis.refusal import FieldViolation, InvalidArgument
from investiture.sponsorship.ballot_wire import ballot_to
from investiture.sponsorship.domain.authority_legs import AuthorityLeg
from investiture.sponsorship.domain.delegations import Delegation
from investiture.sponsorship.domain.organisation import side_of, unit_name
from investiture.sponsorship.domain.people import Person
from investiture.sponsorship.domain.pledges import Seat
from investiture.sponsorship.domain.positions import (
    Position,
    PositionKind,
    PositionRole,
    Resolution,
)
from investiture.sponsorship.operations.pledges import PledgeReading

PURPOSES = Vocabulary(Purpose, pb.Purpose.Value, "PURPOSE_", pb.PURPOSE_UNSPECIFIED)
KINDS = Vocabulary(
    PositionKind, pb.PositionKind.Value, "POSITION_KIND_", pb.POSITION_KIND_UNSPECIFIED
)
RESOLUTIONS = Vocabulary(Resolution, pb.Resolution.Value, "RESOLUTION_", pb.RESOLUTION_UNSPECIFIED)
ROLES = Vocabulary(
    PositionRole, pb.PositionRole.Value, "POSITION_ROLE_", pb.POSITION_ROLE_UNSPECIFIED
)


def given_instant(message: Message, field: str, path: str = "") -> datetime | None:
    """The instant that a caller gave, None where unset; INVALID_FIELD where it is none."""
    try:
        return wire.instant(message, field)
    except (ValueError, OverflowError):
        raise InvalidArgument.of(path or field, "lies outside the years 1 to 9999") from None


def conditions_of(messages: Iterable[gate_pb2.Condition]) -> tuple[Condition, ...]:
    """Conditions from the API, open and without their ids; INVALID_FIELD names what lacks."""
    given = tuple(messages)
    wrong = [
        FieldViolation(f"conditions[{index}].blocks", "name the gate it blocks while open")
        for index, one in enumerate(given)
        if one.blocks not in _GATES
    ]
    if wrong:
        raise InvalidArgument(violations=wrong)
    return tuple(
        Condition(
            id="",
            text=one.text,
            owner=one.owner,
            blocks=GATES.of(one.blocks),
            due_at=given_instant(one, "due_at", f"conditions[{index}].due_at"),
        )
        for index, one in enumerate(given)
    )


_GATES = frozenset(gate_pb2.Gate.values()) - {gate_pb2.GATE_UNSPECIFIED}


def person_of(message: pb.Person) -> Person:
    """A person from the API."""
    return Person(
        name=message.name,
        display_name=message.display_name,
        email=message.email,
        unit=message.unit,
        grade=message.grade,
        active=message.active,
        manager=message.manager,
        guest_of=message.guest_of,
    )


def person_to(person: Person) -> pb.Person:
    """The API's form of a person."""
    return pb.Person(
        name=person.name,
        display_name=person.display_name,
        email=person.email,
        unit=person.unit,
        grade=person.grade,
        active=person.active,
        manager=person.manager,
        guest_of=person.guest_of,
    )


def unit_to(charter: Charter, unit: Unit) -> pb.Unit:
    """The API's form of a unit of the charter."""
    return pb.Unit(
        name=unit_name(unit.id),
        display_name=unit.name,
        side=SIDES.to(side_of(charter, unit_name(unit.id))),
        head=unit.head,
        deputy=unit.deputy or "",
        parent=unit_name(unit.parent) if unit.parent else "",
        scope=unit.scope,
        relationships=[one.id for one in charter.relationships if one.owner == unit.id],
    )


def authority_to(authority: Authority) -> pb.Authority:
    """The API's form of an authority."""
    limit = authority.limit_minor
    return pb.Authority(
        person=authority.person,
        on_behalf_of=authority.on_behalf_of,
        active=authority.active,
        unit=authority.unit,
        side=SIDES.to(authority.side),
        grade=authority.grade,
        limit=None if limit is None else to_money(Amount(limit, authority.limit_currency)),
        unlimited=authority.unlimited,
        heads=authority.heads,
        commands=authority.commands,
        superiors=authority.superiors,
        delegation=authority.delegation,
        directory_digest=authority.directory_digest,
        resolved_at=wire.stamp(authority.resolved_at),
        guest=authority.guest,
        interests=[
            pb.InterestInForce(name=one.name, subject=one.subject) for one in authority.interests
        ],
        reports_to=authority.reports_to,
    )


def delegation_to(delegation: Delegation, currency: str) -> pb.Delegation:
    """The API's form of a delegation, whose limit is in the charter's currency."""
    limit = delegation.limit_minor
    return pb.Delegation(
        name=delegation.name,
        delegator=delegation.delegator,
        delegate=delegation.delegate,
        purpose=PURPOSES.to(delegation.purpose),
        limit=None if limit is None else to_money(Amount(limit, currency)),
        starts_at=wire.stamp(delegation.starts_at),
        ends_at=wire.stamp(delegation.ends_at),
        revoked_at=wire.stamp(delegation.revoked_at),
        etag=delegation.etag,
    )


def pledge_to(reading: PledgeReading, shown: Reading) -> pb.Pledge:
    """The API's form of a pledge; `shown` is its case as everybody reads it."""
    case, pledge = reading.case, reading.pledge
    standing = case.state is CaseState.STANDING
    asked = min((one.since for one in case.holders), default=None) if standing else None
    return pb.Pledge(
        gate_case=wire.case_to(shown.case, shown.following),
        sponsor=case.facts.sponsor,
        counter_sponsor=case.facts.counter_sponsor,
        positions=[_position_to(one) for one in pledge.positions],
        authority_test=[_leg_to(leg) for leg in pledge.legs],
        unowned_relationships=pledge.unowned,
        contested_relationships=pledge.contested,
        sponsorships=[_sponsorship_to(seat) for seat in pledge.seats],
        attestation_due_at=wire.stamp(asked or pledge.liveness_at) if standing else None,
        attestation_missed_at=wire.stamp(case.timetable.overdue_at if asked else None),
        forward_moves_paused_at=wire.stamp(case.timetable.second_at if asked else None),
    )


def _sponsorship_to(seat: Seat) -> pb.Sponsorship:
    return pb.Sponsorship(
        named=seat.named,
        person=seat.person,
        on_behalf_of=seat.on_behalf_of,
        pledged_at=wire.stamp(seat.pledged_at),
        attested_at=wire.stamp(seat.attested_at),
        attestation=seat.attestation,
        lost=seat.lost,
        former=seat.former,
        successor=seat.successor,
    )


def _position_to(position: Position) -> pb.Position:
    return pb.Position(
        unit=position.unit,
        role=ROLES.to(position.role),
        relationships=position.relationships,
        kind=KINDS.to(position.kind),
        person=position.person,
        grounds=position.grounds,
        harm=position.harm,
        proposal=position.proposal,
        recorded_at=wire.stamp(position.recorded_at),
        asked=position.asked,
        arbiter=position.arbiter,
        resolution=RESOLUTIONS.to(position.resolution),
        resolved_by=position.resolved_by,
        resolved_at=wire.stamp(position.resolved_at),
        resolution_reason=position.resolution_reason,
        heard_until=wire.stamp(position.heard_until),
        ballot=ballot_to(position.ballot),
        appeal=ballot_to(position.appeal),
    )


def _leg_to(leg: AuthorityLeg) -> pb.AuthorityLeg:
    return pb.AuthorityLeg(
        leg=leg.leg,
        holds=leg.holds,
        explanation=leg.explanation,
        remedy="" if leg.holds else leg.remedy,
        warning=leg.warning and not leg.holds,
    )
