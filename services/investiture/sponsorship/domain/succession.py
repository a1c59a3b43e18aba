"""A sponsor who leaves or loses the authority: what their pledge is then, and who follows.

The pledge is taken back, so that nothing opens on it any more. What the units said of the same
program stays: the next round asks only who carries the program from now on.
"""

from dataclasses import replace

from investiture.sponsorship.domain.pledges import Pledge, Seat
from investiture.sponsorship.domain.positions import Position


def carrier_of(seat: Seat) -> tuple[str, str]:
    """Whose authority carries a seat that is taken, and in whose name they act.

    The named sponsor's own where a delegate pledged for them: whatever becomes of the delegate and
    of the delegation, the sponsor is bound. Authority that was borrowed carries a seat only while
    it is lent.
    """
    if seat.on_behalf_of and seat.on_behalf_of == seat.named:
        return seat.named, ""
    return seat.person, seat.on_behalf_of


def without(pledge: Pledge, seat: Seat, why: str, successor: str = "") -> Pledge:
    """The pledge with a seat that who took it can no longer carry; it stays readable."""
    return _with(pledge, replace(seat, lost=why, successor=successor))


def vacated(pledge: Pledge, seat: Seat, why: str) -> Pledge:
    """A pledge that does not stand yet, its seat free again: somebody else has to take it.

    What counted as the sponsor's own unit's agreement goes with it.
    """
    positions = tuple(
        _unsaid(one) if one.counts_with == seat.named else one for one in pledge.positions
    )
    return replace(_with(pledge, _free(seat, why, "")), positions=positions)


def renewed(fresh: Pledge, old: Pledge, digest: str) -> Pledge:
    """The pledge of the round after a transfer: who was lost is to be followed, the rest stays.

    `fresh` is whom this revision asks, `digest` its gate digest. A unit's position stays where it
    was taken on that digest, and its turn to be heard goes on where it has said nothing.
    """
    before = {seat.place: seat for seat in old.seats}
    said = {one.unit: one for one in old.positions}
    seats = tuple(_kept_seat(seat, before.get(seat.place)) for seat in fresh.seats)
    carried = {seat.named: seat for seat in seats if seat.taken}
    positions = tuple(
        _kept_position(one, said.get(one.unit), carried, digest) for one in fresh.positions
    )
    return replace(fresh, seats=seats, positions=positions, legs=())


def _kept_seat(fresh: Seat, old: Seat | None) -> Seat:
    if old is None or old.named != fresh.named:
        return fresh
    return _free(replace(old, unit=fresh.unit), old.lost, old.successor) if old.lost else old


def _kept_position(
    fresh: Position, old: Position | None, carried: dict[str, Seat], digest: str
) -> Position:
    if old is None or old.role is not fresh.role or old.counts_with != fresh.counts_with:
        return fresh
    if old.counts_with and old.counts_with not in carried:
        return fresh
    return old if old.kind is None or old.gate_digest == digest else fresh


def _with(pledge: Pledge, seat: Seat) -> Pledge:
    return replace(
        pledge,
        seats=tuple(seat if one.place is seat.place else one for one in pledge.seats),
    )


def _free(seat: Seat, why: str, successor: str) -> Seat:
    return Seat(
        place=seat.place,
        named=seat.named,
        unit=seat.unit,
        lost=why,
        former=seat.person,
        successor=successor,
    )


def _unsaid(position: Position) -> Position:
    return replace(
        position,
        kind=None,
        person="",
        on_behalf_of="",
        recorded_at=None,
        revision=0,
        gate_digest="",
        asked=position.counts_with,
    )
