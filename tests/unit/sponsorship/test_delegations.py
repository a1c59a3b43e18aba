"""Drawing up delegations; domain.md, Sponsorship: dated, by purpose and limit, depth 1."""

from datetime import UTC, datetime, timedelta

import pytest
from tests.support import halden
from tests.support.facts import NOW

from investiture.casework.amounts import Amount
from investiture.casework.words import Purpose
from investiture.chassis.refusal import Denied, InvalidArgument, PreconditionFailed, Stale
from investiture.sponsorship.domain.authority import party
from investiture.sponsorship.domain.delegations import (
    Delegation,
    Limit,
    draw_up,
    in_force,
    revoke,
)

DAY = timedelta(days=1)


def made(
    delegator: str = "people/sara",
    delegate: str = "people/sam",
    purpose: Purpose = Purpose.PLEDGE,
    limit_minor: int | None = None,
    dates: tuple[datetime | None, datetime] = (None, NOW + DAY),
    now: datetime = NOW,
) -> Delegation:
    people = halden.directory()
    return draw_up(
        f"{delegator}/delegations/1",
        party(halden.charter(), people[delegator], purpose),
        party(halden.charter(), people[delegate], purpose),
        purpose,
        None if limit_minor is None else Amount(limit_minor, "EUR"),
        dates,
        now,
    )


def test_a_start_that_is_unset_or_past_is_now() -> None:
    assert made().starts_at == NOW
    assert made(dates=(NOW - DAY, NOW + DAY)).starts_at == NOW
    assert made(dates=(NOW + DAY, NOW + 2 * DAY)).starts_at == NOW + DAY


def test_the_own_limit_is_the_most_that_is_lent() -> None:
    assert made(limit_minor=2_000_000_00).limit_minor == 2_000_000_00
    with pytest.raises(PreconditionFailed) as refused:
        made(limit_minor=2_000_000_01)
    assert refused.value.reason == "AUTHORITY_INSUFFICIENT"


def test_who_speaks_for_a_unit_lends_the_voice_and_who_has_nothing_lends_nothing() -> None:
    assert made(purpose=Purpose.POSITION).purpose is Purpose.POSITION
    for purpose in (Purpose.POSITION, Purpose.PLEDGE):
        with pytest.raises(PreconditionFailed):
            made("people/ben", "people/stella", purpose)


def test_who_lends_without_limit_may_lend_without_limit() -> None:
    lent = made("people/ada", "people/sara")
    assert lent.limit(Limit(unlimited=True)) == Limit(unlimited=True)


@pytest.mark.parametrize("purpose", [Purpose.POSITION, Purpose.KNIGHT])
def test_money_is_not_lent_for_a_purpose_without_a_limit_of_ones_own(purpose: Purpose) -> None:
    if purpose is Purpose.POSITION:
        with pytest.raises(PreconditionFailed):
            made(purpose=purpose, limit_minor=1)
    else:
        assert made(purpose=purpose, limit_minor=5_000_000_00).limit_minor


@pytest.mark.parametrize("delegate", ["people/ivan", "people/fay", "people/zoe"])
def test_nothing_is_lent_across_sides_or_to_guests(delegate: str) -> None:
    with pytest.raises(PreconditionFailed):
        made(delegate=delegate)


def test_a_guest_lends_nothing() -> None:
    with pytest.raises(Denied):
        made("people/zoe", "people/sam")


@pytest.mark.parametrize(
    ("delegate", "purpose", "ends_at", "fields"),
    [
        ("people/sara", Purpose.PLEDGE, NOW + DAY, ["delegate"]),
        ("people/sam", Purpose.HOLD, NOW + DAY, ["purpose"]),
        ("people/sam", Purpose.PLEDGE, NOW, ["ends_at"]),
        ("people/sara", Purpose.HOLD, NOW, ["delegate", "purpose", "ends_at"]),
    ],
)
def test_what_cannot_be_is_named_field_by_field(
    delegate: str, purpose: Purpose, ends_at: datetime, fields: list[str]
) -> None:
    with pytest.raises(InvalidArgument) as refused:
        made(delegate=delegate, purpose=purpose, dates=(None, ends_at))
    assert [violation.field for violation in refused.value.violations] == fields


@pytest.mark.parametrize(
    ("starts_at", "latest"),
    [
        (datetime(2027, 3, 1, tzinfo=UTC), datetime(2028, 3, 1, tzinfo=UTC)),
        (datetime(2028, 2, 29, tzinfo=UTC), datetime(2029, 3, 1, tzinfo=UTC)),
    ],
)
def test_a_year_is_the_longest(starts_at: datetime, latest: datetime) -> None:
    assert made(dates=(starts_at, latest)).ends_at == latest
    with pytest.raises(InvalidArgument):
        made(dates=(starts_at, latest + timedelta(microseconds=1)))


def test_the_farthest_reaching_of_those_in_force_counts() -> None:
    near, far, past = made(limit_minor=1), made(limit_minor=3), made(limit_minor=9)
    past = revoke(past, past.etag, NOW)
    assert in_force([near, past, far], NOW, Limit(2_000_000_00)) == far
    assert in_force([], NOW, Limit()) is None


def test_revoking_needs_the_etag_that_was_seen_and_is_harmless_when_repeated() -> None:
    lent = made()
    revoked = revoke(lent, lent.etag, NOW + DAY / 2)
    assert (revoked.version, revoked.revoked_at) == (2, NOW + DAY / 2)
    with pytest.raises(Stale):
        revoke(revoked, lent.etag, NOW)
    assert revoke(revoked, revoked.etag, NOW + DAY) is revoked


@pytest.mark.parametrize(
    ("one", "other", "reaches"),
    [
        (Limit(), Limit(), True),
        (Limit(0), Limit(), True),
        (Limit(), Limit(0), False),
        (Limit(100), Limit(100), True),
        (Limit(100), Limit(101), False),
        (Limit(100), Limit(unlimited=True), False),
        (Limit(unlimited=True), Limit(unlimited=True), True),
    ],
)
def test_a_limit_reaches_what_is_not_above_it(one: Limit, other: Limit, reaches: bool) -> None:
    assert one.reaches(other) is reaches
    assert one.at_most(other) == (other if reaches else one)
