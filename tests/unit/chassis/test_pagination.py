"""Page tokens: opaque, signed, short, and good for one filter only."""

import base64
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from investiture.api.budget.v1 import budget_service_pb2
from investiture.api.casework.v1 import case_service_pb2
from investiture.api.common.v1 import errors_pb2
from investiture.chassis.pagination import MAX_TOKEN_BYTES, KeyValue, Pager
from investiture.chassis.refusal import InvalidArgument

Request = case_service_pb2.ListPendingDecisionsRequest
Row = tuple[int, str]

PAGER = Pager(b"k" * 32, default=3, maximum=5)
ROWS: Sequence[Row] = [(n // 2, f"p{n:02}") for n in range(11)]


def _key(row: Row) -> Sequence[KeyValue]:
    return row


def _page(request: Request, pager: Pager = PAGER) -> tuple[Sequence[Row], str]:
    """Answer a list request as a store would."""
    page = pager.open(request)
    after = page.after
    rows = [row for row in ROWS if after is None or row > after][: page.limit]
    return page.cut(rows, _key)


def _refused(request: Request, pager: Pager = PAGER) -> InvalidArgument:
    with pytest.raises(InvalidArgument) as caught:
        pager.open(request)
    assert f"ERROR_REASON_{caught.value.reason}" in errors_pb2.ErrorReason.DESCRIPTOR.values_by_name
    return caught.value


def test_pages_follow_each_other_without_a_gap_or_a_repetition() -> None:
    seen: list[Row] = []
    token = ""
    sizes: list[int] = []
    while True:
        rows, token = _page(Request(page_size=4, page_token=token))
        seen += rows
        sizes.append(len(rows))
        if not token:
            break
    assert seen == ROWS
    assert sizes == [4, 4, 3]


def test_the_last_page_has_no_token_even_when_it_is_full() -> None:
    rows, token = PAGER.open(Request(page_size=5)).cut(ROWS[:5], _key)
    assert (len(rows), token) == (5, "")


@pytest.mark.parametrize(("asked", "given"), [(0, 3), (1, 1), (5, 5), (6, 5), (2_000_000_000, 5)])
def test_a_size_is_defaulted_and_clamped(asked: int, given: int) -> None:
    assert PAGER.open(Request(page_size=asked)).size == given


def test_a_negative_size_is_refused() -> None:
    error = _refused(Request(page_size=-1))
    assert error.reason == "INVALID_FIELD"
    assert [violation.field for violation in error.violations] == ["page_size"]


def _token() -> str:
    return _page(Request(page_size=2))[1]


def test_a_token_may_be_used_with_another_size() -> None:
    rows, _ = _page(Request(page_size=5, page_token=_token()))
    assert rows[0] == ROWS[2]


@given(st.integers(min_value=0), st.integers(min_value=1, max_value=255))
def test_an_altered_token_is_refused(at: int, by: int) -> None:
    token = _token()
    raw = bytearray(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    raw[at % len(raw)] ^= by
    altered = base64.urlsafe_b64encode(raw).decode().rstrip("=")
    assert _refused(Request(page_token=altered)).reason == "PAGE_TOKEN_INVALID"


@given(st.text(min_size=1))
def test_what_is_no_token_is_refused(text: str) -> None:
    error = _refused(Request(page_token=text))
    assert error.reason == "PAGE_TOKEN_INVALID"
    assert [violation.field for violation in error.violations] == ["page_token"]


def test_a_token_of_another_filter_is_refused() -> None:
    other = Request(page_token=_token(), unit="units/hr")
    assert _refused(other).reason == "PAGE_TOKEN_INVALID"


def test_a_token_of_another_method_is_refused() -> None:
    other = budget_service_pb2.ListLedgerEntriesRequest(page_token=_token())
    with pytest.raises(InvalidArgument, match="page_token"):
        PAGER.open(other)


def test_a_token_of_another_service_is_refused() -> None:
    assert _refused(Request(page_token=_token()), Pager(b"x" * 32)).reason == "PAGE_TOKEN_INVALID"


def test_a_token_is_opaque_and_short() -> None:
    token = _token()
    assert "p01" not in token
    assert len(token) <= MAX_TOKEN_BYTES


def test_a_key_too_long_for_a_token_is_the_programs_fault() -> None:
    page = PAGER.open(Request(page_size=1))
    with pytest.raises(ValueError, match="does not fit a page token"):
        page.cut([(1, "x" * 600), (2, "y")], _key)
