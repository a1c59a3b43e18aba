"""Requests that stay under a tier one by one and reach it together."""

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.support.facts import NOW
from tests.support.services import CHARTER

from investiture.budget.splits import Asked, explained, read_together, together, vendor_key
from investiture.charter.authority import tier_for
from investiture.charter.load import load
from investiture.charter.policy import FundingTier

WINDOW = timedelta(days=90)
NEW = Asked("programs/new", "opex", "EUR", 4_000_00, "CC-1", ("Brightside",), NOW)
OLD = replace(NEW, program="programs/old", amount_minor=6_000_00, asked_at=NOW - timedelta(days=1))


def row(total: int) -> FundingTier:
    return tier_for(load(CHARTER), "opex", total)


@pytest.mark.parametrize(
    ("other", "counts"),
    [
        (OLD, True),
        (replace(OLD, vendors=("  bright SIDE ",)), False),
        (replace(OLD, vendors=(" BRIGHTSIDE ", "Acme")), True),
        (replace(OLD, vendors=("Acme",)), False),
        (replace(OLD, vendors=()), False),
        (replace(OLD, cost_centre="CC-2"), False),
        (replace(OLD, category="capex"), False),
        (replace(OLD, currency="USD"), False),
        (replace(OLD, program="programs/new"), False),
        (replace(OLD, asked_at=NOW - WINDOW), False),  # half-open
        (replace(OLD, asked_at=NOW - WINDOW + timedelta(microseconds=1)), True),
    ],
)
def test_what_counts_together(other: Asked, counts: bool) -> None:
    assert together(NEW, [other], WINDOW) == ((other,) if counts else ())


def test_without_a_window_nothing_counts_together() -> None:
    assert together(NEW, [OLD], None) == ()


def test_a_request_without_a_vendor_counts_alone() -> None:
    assert together(replace(NEW, vendors=()), [replace(OLD, vendors=())], WINDOW) == ()


@pytest.mark.parametrize(
    ("own", "others", "from_minor", "raised"),
    [
        (4_000_00, 5_999_99, 0, False),  # one below the bound of 10,000
        (4_000_00, 6_000_00, 10_000_00, True),  # the bound itself
        (4_000_00, 6_000_01, 10_000_00, True),
        (10_000_00, 1, 10_000_00, False),  # there already
        (10_000_00, 40_000_00, 50_000_00, True),
    ],
)
def test_the_sum_says_the_row(own: int, others: int, from_minor: int, raised: bool) -> None:
    asked = replace(NEW, amount_minor=own)
    found = read_together(asked, [replace(OLD, amount_minor=others)], row)
    assert (found.tier.from_minor, found.raised) == (from_minor, raised)
    assert (found.total_minor, found.others_minor) == (own + others, others)


def test_a_split_names_the_others_the_sum_the_vendor_and_the_window() -> None:
    many = [
        replace(OLD, program=f"programs/p{n}", asked_at=NOW - timedelta(days=n))
        for n in range(1, 8)
    ]
    counted = together(NEW, many, WINDOW)
    assert [one.program for one in counted] == [f"programs/p{n}" for n in range(7, 0, -1)]
    said = explained(NEW, read_together(NEW, counted, row), WINDOW)
    for part in (
        "programs/p7 (6,000.00 EUR, 2026-12-28)",
        "and 2 more",
        "46,000.00 EUR",
        "Brightside in CC-1 within 90 days",
        "the tier from 10,000.00 EUR",
    ):
        assert part in said


def test_a_vendor_is_one_whatever_its_spelling() -> None:
    assert vendor_key("  Bright   SIDE Ltd ") == vendor_key("bright side ltd")
