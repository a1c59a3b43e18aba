"""How an objection ends; domain.md, Sponsorship: amended, conditioned, overridden, sustained."""

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.support import halden
from tests.support.facts import NOW

from investiture.casework.facts import Authority
from investiture.casework.words import Purpose
from investiture.charter.committees import Committee, Meetings
from investiture.charter.ownership import lineage
from investiture.sponsorship.domain.authority import authority_of
from investiture.sponsorship.domain.ballots import Ballot
from investiture.sponsorship.domain.objections import (
    appealed,
    arbiters,
    gap_of,
    override,
    recused,
    sits_above,
    sustain,
)
from investiture.sponsorship.domain.positions import (
    Position,
    PositionKind,
    PositionRole,
    Resolution,
    Statement,
    said_by,
)

CHARTER = halden.charter()
SEEN = (1, "digest")
OBJECT = Statement(PositionKind.OBJECT, "pricing", "prices leak", "hide the prices")
MEETS = Meetings(calendar="us-federal")
BOARD = ("people/lena", "people/hana", "people/otto", "people/nora", "people/paul")
ASKED = Position("units/sales", PositionRole.AGREE, asked="people/vera")


def authority(name: str) -> Authority:
    person = halden.directory()[name]
    return authority_of(CHARTER, person, Purpose.POSITION, resolved_at=NOW, directory_digest="d")


VERA, ADA = authority("people/vera"), authority("people/ada")
OBJECTED = said_by(ASKED, OBJECT, VERA, SEEN, NOW)


@pytest.mark.parametrize(
    ("objecting", "sponsoring", "above"),
    [
        ("sales", "support", ("people/ada", "people/otto")),
        ("sales", "sales", ("people/ada", "people/otto")),
        ("it-security", "it", ("people/ada", "people/otto")),
        ("sales", "executive", ()),
        ("executive", "sales", ()),
        ("nowhere", "sales", ()),
    ],
)
def test_who_stands_one_level_above_both(
    objecting: str, sponsoring: str, above: tuple[str, ...]
) -> None:
    assert arbiters(CHARTER, f"units/{objecting}", f"units/{sponsoring}") == above


def test_an_arbiter_leads_no_unit_of_either_side() -> None:
    heads = {unit.id: {unit.head, unit.deputy} for unit in CHARTER.units}
    for one in CHARTER.units:
        for other in CHARTER.units:
            found = arbiters(CHARTER, f"units/{one.id}", f"units/{other.id}")
            assert not set(found) & (heads[one.id] | heads[other.id])
            lines = [{unit.id for unit in lineage(CHARTER, name)} for name in (one.id, other.id)]
            over = {person for name in lines[0] & lines[1] for person in heads[name]}
            assert set(found) <= over


@pytest.mark.parametrize(
    ("kind", "revision", "ended"),
    [
        (PositionKind.CONSENT_WITH_CONDITIONS, 1, Resolution.CONDITIONED),
        (PositionKind.CONSENT, 2, Resolution.AMENDED),
        (PositionKind.CONSENT, 1, Resolution.WITHDRAWN),
        (PositionKind.ABSTAIN, 2, Resolution.WITHDRAWN),
        (PositionKind.RECUSE, 2, Resolution.WITHDRAWN),
    ],
)
def test_the_unit_ends_its_objection_by_another_position_and_it_stays_on_record(
    kind: PositionKind, revision: int, ended: Resolution
) -> None:
    later = NOW + timedelta(hours=1)
    after = said_by(OBJECTED, Statement(kind), VERA, (revision, "digest"), later)
    assert (after.grounds, after.harm, after.proposal) == (
        "pricing",
        "prices leak",
        OBJECT.proposal,
    )
    assert (after.resolution, after.resolved_by, after.resolved_at) == (ended, VERA.person, later)
    assert not after.objects


def test_a_new_objection_opens_the_question_again() -> None:
    consented = said_by(OBJECTED, Statement(PositionKind.CONSENT), VERA, SEEN, NOW)
    again = said_by(consented, replace(OBJECT, harm="another"), VERA, SEEN, NOW)
    assert again.objects
    assert (again.harm, again.resolution, again.resolved_by) == ("another", None, "")


def test_an_overridden_objection_bars_nothing_and_agrees_to_nothing() -> None:
    after = override(OBJECTED, ADA, "prices are public", SEEN, NOW)
    assert not after.outstanding
    assert not after.agreed
    assert after.kind is PositionKind.OBJECT
    assert (after.resolved_by, after.resolution_reason) == (ADA.person, "prices are public")


def test_a_sustained_objection_is_the_gap_that_the_unit_named() -> None:
    after = sustain(OBJECTED, ADA, "it is a real harm", NOW)
    assert after.outstanding
    gap = gap_of(after)
    assert (gap.risk, gap.remedy) == ("prices leak", "hide the prices")
    assert "units/sales" in gap.tolerance
    assert "people/ada" in gap.excess
    assert "it is a real harm" in gap.excess


@pytest.mark.parametrize(("how", "size"), [(Resolution.OVERRIDDEN, 4), (Resolution.SUSTAINED, 5)])
def test_who_steps_aside_above_the_top_may_decide_the_vote_of_the_others(
    how: Resolution, size: int
) -> None:
    # ours, strict majority: 3 of 4 needed, 2 of 3 without one; two no of 5 leave 3 yes, of 4 but 2.
    seats = BOARD[:size]
    board = Committee(id="board", name="Board", seats=seats, chair=seats[0], meets=MEETS)
    position = replace(OBJECTED, appeal=Ballot(board))
    for name in seats[:2]:
        assert position.appeal is not None
        who = authority(name)
        position = appealed(position, position.appeal, how, who, f"says {name}", SEEN, NOW)
        assert position.resolution is None
    aside = authority("people/otto")
    appeal = sits_above(position, aside)
    assert appeal is not None
    ended = recused(position, appeal, aside, SEEN, NOW)
    assert (ended.resolution, ended.resolved_by) == (how, "people/hana")
    assert ended.resolution_reason == "says people/hana"
    assert ended.recused == ("people/otto",)
    assert sits_above(ended, aside) is None


def test_who_has_voted_above_the_top_and_steps_aside_counts_no_more() -> None:
    seats = BOARD[:3]
    board = Committee(id="board", name="Board", seats=seats, chair=seats[0], meets=MEETS)
    lena = authority("people/lena")
    voted = appealed(
        replace(OBJECTED, appeal=Ballot(board)),
        Ballot(board),
        Resolution.OVERRIDDEN,
        lena,
        "",
        SEEN,
        NOW,
    )
    appeal = sits_above(voted, lena)
    assert appeal is not None
    after = recused(voted, appeal, lena, SEEN, NOW).appeal
    assert after is not None
    assert str(after.count) == "2 of 2 needed, 0 yes, 0 no"
    assert after.people == ()
