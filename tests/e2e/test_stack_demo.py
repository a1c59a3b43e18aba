"""The main job: five proposals travel the path, and each ends as it should."""

from pathlib import Path

import pytest
from tests.support.command import investiture

pytestmark = pytest.mark.sqlite

TOLD = (
    "BUSINESS_FIRST: knight is asked too early",
    "Ada Lindqvist may override or sustain it",
    "Max Weber closes the condition: questions and names are deleted after 90 days",
    "[relationship-contested] `employees` is owned by hr and by it",
    "Mira's pledge is carried to revision 2",
    "the worker is dead",
    "forged signals were sent with the Temporal client: nothing moved",
    "AUTHORITY_INSUFFICIENT",
    "The program has ended: proven; nothing is held.",
    "The program has ended: missed; nothing is held.",
    "The program has ended: withdrawn; nothing is held.",
    "PLEDGE, FUND and KNIGHT by standing decision small-trials",
    "concurrent: 1 under it already (programs/community-trial), at most 1",
    "trial programs/community-trial/pilots/1 by standing decision small-trials, at most 50 people",
    "expectations held",
)


@pytest.mark.timeout(240)
async def test_the_demo_ends_as_expected(tmp_path: Path) -> None:
    said = await investiture(tmp_path / "unused", "demo")
    assert said.code == 0, said.out + said.err
    missing = [line for line in TOLD if line not in said.out]
    assert not missing
    assert said.out.count("✓ verified") == 13, (
        "four warrants of a proven, three, two; three of a trial, one"
    )
    assert not (tmp_path / "unused").exists(), "it has a folder of its own, and takes it away"
