"""The charter as a value: immutable, pinned by its digest, compared line by line."""

from datetime import UTC, datetime

import pytest
from pydantic import ValidationError
from tests.unit.charter.small import TEXT, edited, small

from investiture.charter.difference import diff
from investiture.charter.digest import canonical_json, digest
from investiture.charter.load import examine_text, load_text
from investiture.charter.model import Charter, UnknownId
from investiture.charter.policy import Tolerance

CHARTER = small()

SMALL_DIGEST = "sha256:fe8fdf685008aa486e000d910c384211fe5c7d456137984a9ca1ebce1d2b7e74"
"""Cases are pinned to digests for ever: if this changes, so do those of every charter in use."""


def changed(old: str, new: str) -> Charter:
    return load_text(edited(old, new), "changed.yaml")


def test_the_digest_of_a_charter_never_changes() -> None:
    assert CHARTER.digest == SMALL_DIGEST


def test_comments_and_layout_do_not_count() -> None:
    text = TEXT.replace("# The smallest", "#\n# Not the smallest").replace(
        "  owner: people/ida", "  owner:   'people/ida'"
    )
    assert load_text(text, "x").digest == CHARTER.digest


def test_what_is_said_counts() -> None:
    assert changed("to_minor: null", "to_minor: null\n    contingency_bps: 1").digest != (
        CHARTER.digest
    )


def test_a_field_that_a_later_version_adds_leaves_old_digests_alone() -> None:
    class Later(Charter):
        added_later: int = 7

    later = Later.model_validate_json(CHARTER.model_dump_json())
    assert later.added_later == 7
    assert later.digest == CHARTER.digest


def test_a_default_written_out_says_the_same() -> None:
    assert changed("currency: EUR", "currency: EUR\nbenefit_reviews: [P30D, P90D, P180D, P365D]"
                   ).digest == CHARTER.digest  # fmt: skip


def test_canonical_json_is_one_text() -> None:
    """RFC 8785 in spirit: sorted keys, no white space, UTF-8, finite numbers."""
    assert canonical_json({"b": [1, None], "a": "ä"}) == '{"a":"ä","b":[1,null]}'.encode()
    assert digest({}) == "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
    with pytest.raises(ValueError, match="JSON"):
        canonical_json(float("nan"))


def test_a_charter_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        CHARTER.units[0].name = "Other"
    with pytest.raises(ValidationError, match="frozen"):
        CHARTER.version = 2


def test_a_charter_survives_json() -> None:
    again = Charter.model_validate_json(CHARTER.model_dump_json())
    assert again == CHARTER
    assert again.digest == CHARTER.digest


def test_things_are_found_by_id() -> None:
    assert CHARTER.unit("press").head == "people/cat"
    assert CHARTER.relationship("media").owner == "press"
    assert CHARTER.audience("readers").relationship == "public"
    assert CHARTER.channel("paper").relationships == ("media",)
    assert CHARTER.calendar("always").always_open
    assert CHARTER.categories == ("opex",)


@pytest.mark.parametrize(
    "kind", ["unit", "relationship", "audience", "channel", "grade", "calendar", "sla",
             "validity", "material_of"],
)  # fmt: skip
def test_what_is_not_declared_is_unknown(kind: str) -> None:
    with pytest.raises(UnknownId, match="nowhere"):
        getattr(CHARTER, kind)("nowhere")


def test_policies_are_found_by_gate() -> None:
    assert str(CHARTER.validity("PLEDGE")) == "P90D"
    assert CHARTER.material_of("KNIGHT") == {"exposure", "controls"}
    assert CHARTER.tolerance("PLEDGE").amount_increase_bps == 1000
    assert CHARTER.tolerance("FUND") == Tolerance()
    assert str(CHARTER.sla("CHANGES").duration) == "P10D"
    assert [str(review) for review in CHARTER.benefit_reviews] == ["P30D", "P90D", "P180D", "P365D"]


@pytest.mark.parametrize(
    ("at", "gate", "frozen"),
    [
        ("2026-12-22T23:59:59", "LAUNCH", False),
        ("2026-12-23T00:00:00", "LAUNCH", True),
        ("2026-12-23T00:00:00", "PILOT", True),
        ("2026-12-23T00:00:00", "PLEDGE", False),
        ("2027-01-02T22:59:59", "LAUNCH", True),
        ("2027-01-02T23:00:00", "LAUNCH", False),
    ],
)
def test_a_freeze_holds_from_its_start_until_just_before_its_end(
    at: str, gate: str, frozen: bool
) -> None:
    instant = datetime.fromisoformat(at).replace(tzinfo=UTC)
    assert (CHARTER.frozen_by(gate, instant) is not None) is frozen


def test_charters_that_say_the_same_do_not_differ() -> None:
    assert diff(CHARTER, small()) == ()


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("version: 1\neff", "version: 2\neff", "~ version: 1 → 2"),
        ("    deputy: people/dan", "    deputy: people/ann",
         "~ units[press].deputy: people/dan → people/ann"),
        ("  - {unit: tech}\n", "", "- informed[tech]: unit tech, audiences [], channels []"),
        ("  - {id: clerk, name: Clerk}",
         "  - {id: clerk, name: Clerk}\n  - {id: page, name: Page}",
         "+ grades[page]: id page, name Page, limits "),
        ("{PLEDGE: 100_00, FUND: null}", "{PLEDGE: 200_00, FUND: null}",
         "~ grades[boss].limits.PLEDGE: 10,000 → 20,000"),
        ("probability: 0.1}", "probability: 0.05}",
         "~ appetite.points[2000].probability: 0.1 → 0.05"),
        ("  PROVE: {duration: PT60S", "  PROVE: {duration: PT90S",
         "~ slas.PROVE.duration: PT1M → PT1M30S"),
        ("  FUND: [amount]", "  FUND: [amount, vendors]",
         "~ material.FUND: [amount] → [amount, vendors]"),
        ("currency: EUR", "currency: EUR\ncountersigner: people/zed",
         "~ countersigner: none → people/zed"),
        ("touches:\n  - {audience: readers, channel: web, relationships: [media]}\n", "",
         "- touches[readers web]: audience readers, channel web, relationships [media]"),
    ],
)  # fmt: skip
def test_a_difference_is_one_line_that_a_person_can_read(old: str, new: str, line: str) -> None:
    other = changed(old, new)
    first, *lines = diff(CHARTER, other)
    assert first == f"~ digest: {CHARTER.digest} → {other.digest}"
    assert lines == [line]
    backwards = diff(other, CHARTER)
    assert len(backwards) == 2
    assert backwards[1][0] == {"+": "-", "-": "+", "~": "~"}[line[0]]


def test_a_new_order_is_a_difference() -> None:
    other = changed(
        "  - {id: clerk, name: Clerk}\n"
        "  - {id: boss, name: Boss, limits: {PLEDGE: 100_00, FUND: null}}\n",
        "  - {id: boss, name: Boss, limits: {PLEDGE: 100_00, FUND: null}}\n"
        "  - {id: clerk, name: Clerk}\n",
    )
    assert diff(CHARTER, other)[1:] == ("~ grades: the order is now [boss], [clerk]",)


def test_a_moved_tier_bound_is_shown() -> None:
    text = edited("    to_minor: 1000", "    to_minor: 1500").replace(
        "    from_minor: 1000", "    from_minor: 1500"
    )
    other = load_text(text, "x")
    lines = diff(CHARTER, other)[1:]
    assert lines[0] == "~ funding_tiers[opex 0].to_minor: 1,000 → 1,500"
    assert lines[1].startswith("- funding_tiers[opex 1000]: ")
    assert lines[2].startswith("+ funding_tiers[opex 1500]: ")


def test_a_text_can_be_examined_without_a_file() -> None:
    examined = examine_text(TEXT, "kept.yaml")
    assert examined.charter == CHARTER
    assert examined.findings == ()
