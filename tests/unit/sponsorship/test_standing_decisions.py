"""Signatures, places and days of a standing decision."""

from datetime import timedelta

import pytest
from tests.support.facts import NOW
from tests.support.lanes import BEN, FAY, INES, SARA, decision

from investiture.casework.facts import StandingRef
from investiture.casework.words import Side
from investiture.chassis.refusal import Denied, PreconditionFailed
from investiture.sponsorship.domain import standing_decisions as rules
from investiture.sponsorship.domain.standing_decisions import Place, Revocation, Signature, Signed

REF = StandingRef("small-trials", "sha256:text")
ALL = {
    side: Signature(side, person, NOW)
    for side, person in zip(rules.SIDES, (SARA, FAY, INES), strict=True)
}


def test_it_is_in_force_with_the_third_signature_and_not_before() -> None:
    for side, person in zip(rules.SIDES, (SARA, FAY, INES), strict=True):
        others = {one: made for one, made in ALL.items() if one is not side}
        missing = Signed(decision(), REF, others)
        assert missing.unsigned == (person,)
        assert missing.why_not() == (f"signature: {person} has not signed it",)
    assert Signed(decision(), REF, ALL).why_not() == ()


def test_a_signature_of_somebody_else_for_a_side_does_not_count() -> None:
    other = {**ALL, Side.IT: Signature(Side.IT, BEN, NOW)}
    assert Signed(decision(), REF, other).unsigned == (INES,)


@pytest.mark.parametrize(
    ("programs", "asks", "fits"),
    [
        ((), "programs/b", True),
        (("programs/a",), "programs/b", True),
        (("programs/a", "programs/c"), "programs/b", False),
        (("programs/a", "programs/b"), "programs/b", True),
    ],
)
def test_of_two_places_the_third_program_gets_none_and_its_own_does_not_count(
    programs: tuple[str, ...], asks: str, fits: bool
) -> None:
    why = rules.full(Signed(decision(concurrent=2), REF, ALL, None, programs), asks)
    assert (why == ()) is fits, why
    if not fits:
        assert why == ("concurrent: 2 under it already (programs/a, programs/c), at most 2",)


def test_a_trial_is_not_let_in_again_once_its_days_are_over() -> None:
    place, signed = Place("programs/a", REF, NOW), Signed(decision(), REF, ALL)
    end = NOW + timedelta(days=14)
    assert rules.over(signed, place, end - timedelta(microseconds=1)) == ()
    assert "its P14D are over" in rules.over(signed, place, end)[0]
    assert rules.over(signed, None, end) == ()


def test_who_is_named_signs_for_that_side_and_nobody_else() -> None:
    assert [rules.side_to_sign(decision(), one) for one in (SARA, FAY, INES)] == [*rules.SIDES]
    with pytest.raises(Denied, match="its signers are"):
        rules.side_to_sign(decision(), BEN)


def test_what_was_revoked_is_signed_no_more_and_a_side_is_signed_by_who_stands_there() -> None:
    revoked = Signed(decision(), REF, ALL, Revocation(SARA, "a leak", NOW))
    with pytest.raises(PreconditionFailed, match="revoked"):
        rules.require_signable(revoked, INES, Side.IT, Side.IT)
    with pytest.raises(PreconditionFailed) as refusal:
        rules.require_signable(Signed(decision(), REF), INES, Side.IT, Side.BUSINESS)
    assert refusal.value.reason == "SIDES_NOT_SEPARATE"
