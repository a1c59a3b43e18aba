"""Each rule, broken in one place: the finding names the file, the exact line and the rule."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.charter.broken import CASES, Broken
from tests.unit.charter.small import HERE, TEXT, edited

from investiture.charter.document import MOST_BYTES
from investiture.charter.finding import CharterBroken, Severity, errors
from investiture.charter.load import examine, examine_text, load
from investiture.charter.rules import RULES

ODD = (
    "", "null", "[]", "{}", "-", "0", "-1", "1e999", "9" * 30, "true", "''", "x", "people/x",
    "P0D", "- a", "{a: b}", "[[], {}]", '"\\uD800"', "!x y", "&a b", "*a", "? x", "\t", "%YAML 9",
)  # fmt: skip
"""What a hurried hand may leave where a value was."""


def line_of(text: str, fragment: str) -> int:
    found = [n for n, line in enumerate(text.splitlines(), start=1) if fragment in line]
    assert len(found) == 1, f"{fragment!r} is in lines {found}"
    return found[0]


def named(cases: tuple[Broken, ...]) -> Iterator[str]:
    seen: dict[str, int] = {}
    for case in cases:
        seen[case.rule] = seen.get(case.rule, 0) + 1
        yield f"{case.rule}-{seen[case.rule]}"


@pytest.mark.parametrize("case", CASES, ids=list(named(CASES)))
def test_a_broken_rule_is_named_with_file_and_line(case: Broken, tmp_path: Path) -> None:
    text = edited(case.old, case.new)
    file = tmp_path / "broken.yaml"
    file.write_text(text, encoding="utf-8")
    findings = examine(file).findings
    hits = [finding for finding in findings if finding.rule == case.rule]
    assert hits, findings
    assert line_of(text, case.line) in {hit.line for hit in hits}, hits
    assert {finding.rule for finding in findings} == {case.rule, *case.also}
    severity, _ = RULES[case.rule]
    for hit in hits:
        assert hit.severity is severity
        assert str(hit).startswith(f"{file}:{hit.line}: {severity} [{case.rule}] ")
        assert hit.remedy
    for finding in findings:  # people read them
        assert len(str(finding)) < 400 + len(str(file))
        assert "pydantic" not in finding.message
    if errors(findings):
        with pytest.raises(CharterBroken) as raised:
            load(file)
        assert raised.value.findings == findings
    else:
        assert load(file).id == "small"


def test_every_rule_has_a_broken_file() -> None:
    elsewhere = {
        "file-unreadable",
        "file-too-large",
        "people-too-few",
        "unit-root",
        "gate-without-approver",
    }
    assert {case.rule for case in CASES} | elsewhere == set(RULES)


def test_every_rule_says_what_holds_where_it_is_kept() -> None:
    for rule, (severity, why) in RULES.items():
        assert rule == rule.lower().strip()
        assert severity in Severity
        assert why


def test_the_small_charter_is_sound() -> None:
    assert examine(HERE / "small.yaml").findings == ()


def test_a_file_that_is_not_there_is_a_finding() -> None:
    missing = HERE / "missing.yaml"
    with pytest.raises(CharterBroken) as raised:
        load(missing)
    (finding,) = raised.value.findings
    assert (finding.rule, finding.file, finding.line) == ("file-unreadable", str(missing), 1)


def test_bytes_that_are_no_text_are_a_finding(tmp_path: Path) -> None:
    file = tmp_path / "charter.yaml"
    file.write_bytes(b"title: x\nid: \xff\xfe\n")
    (finding,) = examine(file).findings
    assert (finding.rule, finding.line) == ("file-unreadable", 2)


def test_a_file_of_data_is_refused_before_it_is_parsed(tmp_path: Path) -> None:
    file = tmp_path / "charter.yaml"
    file.write_bytes(b"- x\n" * (MOST_BYTES // 4) + b"#")
    (finding,) = examine(file).findings
    assert finding.rule == "file-too-large"


def test_a_byte_order_mark_is_no_matter(tmp_path: Path) -> None:
    file = tmp_path / "charter.yaml"
    file.write_bytes(b"\xef\xbb\xbf" + (HERE / "small.yaml").read_bytes())
    assert examine(file).findings == ()


@pytest.mark.parametrize(
    "text", ["", "# nothing\n", "a: \x00\n", "id: [", "---\na: 1\n---\nb: 2\n"]
)
def test_a_text_that_is_no_document_is_a_syntax_finding(text: str) -> None:
    examined = examine_text(text, "charter.yaml")
    assert examined.charter is None
    assert {finding.rule for finding in examined.findings} == {"yaml-syntax"}


def test_a_document_that_is_no_mapping_is_a_finding() -> None:
    (finding,) = examine_text("- a\n- b\n", "charter.yaml").findings
    assert (finding.rule, finding.line) == ("field-invalid", 1)


def test_every_shape_error_is_reported_at_once() -> None:
    text = edited("heartbeat: PT15M", "heartbeat: soon").replace("version: 1\n", "version: 0\n", 1)
    found = {finding.field for finding in examine_text(text, "x").findings}
    assert found == {"version", "appetite.version", "launch.heartbeat"} - {"appetite.version"}


def test_a_misspelt_field_is_answered_with_the_right_one() -> None:
    text = edited("    scope: [reputation]", "    scopes: [reputation]")
    (finding,) = examine_text(text, "x").findings
    assert "did you mean `scope`?" in finding.remedy


def test_words_and_times_that_older_yaml_misreads_are_read_as_written() -> None:
    text = edited("    country: US", "    country: NO").replace("closes: 17:00", "closes: 12:30")
    charter = examine_text(text, "x").charter
    assert charter is not None
    office = charter.calendar("office")
    assert office.country == "NO"
    assert office.closes.isoformat() == "12:30:00"


@given(st.integers(2, TEXT.count("\n")), st.sampled_from(ODD), st.booleans())
def test_no_line_whatever_it_holds_breaks_the_lint(number: int, odd: str, keep: bool) -> None:
    lines = TEXT.splitlines()
    line = lines[number - 1]
    before, colon, _ = line.partition(":")
    lines[number - 1] = f"{before}{colon} {odd}" if keep else odd
    examined = examine_text("\n".join(lines), "x")
    assert (examined.charter is None) is bool(errors(examined.findings))
    for finding in examined.findings:
        assert 1 <= finding.line <= len(lines)
        assert finding.rule in RULES


@given(st.text())
def test_no_text_breaks_the_lint(text: str) -> None:
    assert examine_text(text, "x").findings


def test_findings_come_in_the_order_of_the_file() -> None:
    text = edited("    scope: [reputation]", "    scope: []").replace(
        "  deputy: people/jan", "  deputy: people/ida"
    )
    lines = [finding.line for finding in examine_text(text, "x").findings]
    assert len(lines) == 2
    assert lines == sorted(lines)


def test_a_circle_of_units_without_a_top_is_reported() -> None:
    text = edited("    scope: [strategy]", "    scope: [strategy]\n    parent: press")
    found = {(one.rule, one.line) for one in examine_text(text, "x").findings}
    assert ("unit-circle", line_of(text, "parent: press")) in found
    assert ("unit-root", line_of(text, "units:")) in found


def test_a_second_top_is_reported() -> None:
    text = edited("    parent: board\n    scope: [reputation]", "    scope: [reputation]")
    (finding,) = examine_text(text, "x").findings
    assert (finding.rule, finding.line) == ("unit-root", line_of(text, "  - id: press"))


@pytest.mark.parametrize(
    ("old", "new", "fragment", "gate"),
    [
        ("{PLEDGE: 100_00, FUND: null}", "{FUND: null}", "grades:", "PLEDGE"),
        ("{PLEDGE: 100_00, FUND: null}", "{PLEDGE: 0}", "grades:", "PLEDGE"),
        ("DEEP: [{level: 1, role: reviewer, of: [people/gil]}]", "DEEP: []", "DEEP:", "KNIGHT"),
        (
            "    DEEP: [{level: 1, role: reviewer, of: [people/gil]}]\n",
            "",
            "approvals:\n",
            "KNIGHT",
        ),
        ("  go_roles:\n    - {role: sponsor}", "  go_roles: []", "go_roles:", "LAUNCH"),
    ],
)
def test_a_gate_that_nobody_can_pass_is_reported(
    old: str, new: str, fragment: str, gate: str
) -> None:
    text = edited(old, new)
    (finding,) = examine_text(text, "x").findings
    assert finding.rule == "gate-without-approver"
    assert gate in finding.message
    if fragment.endswith("\n"):
        assert text.splitlines()[finding.line - 1].strip() == fragment.strip()
    else:
        assert finding.line == line_of(text, fragment)


def test_no_tiers_at_all_is_a_gate_without_approver() -> None:
    before, rest = TEXT.split("funding_tiers:\n")
    after = rest[rest.index("review:\n") :].replace("    categories: [opex]\n", "")
    (finding,) = examine_text(f"{before}funding_tiers: []\n{after}", "x").findings
    assert (finding.rule, finding.field) == ("gate-without-approver", "funding_tiers")


def three_sides_of_two() -> str:
    text = TEXT
    for old, new in (
        ("ann", "a"),
        ("bob", "b"),
        ("cat", "a"),
        ("dan", "b"),
        ("eve", "a"),
        ("fred", "b"),
        ("gil", "a"),
        ("hal", "b"),
        ("ida", "a"),
        ("jan", "b"),
    ):
        text = text.replace(f"people/{old}", f"people/{new}")
    return text


def test_two_people_need_a_countersigner() -> None:
    rules = {finding.rule for finding in examine_text(three_sides_of_two(), "x").findings}
    assert "people-too-few" in rules
    signed = three_sides_of_two().replace("currency: EUR", "currency: EUR\ncountersigner: people/z")
    assert "people-too-few" not in {one.rule for one in examine_text(signed, "x").findings}
