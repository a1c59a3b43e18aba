"""Canonical JSON as RFC 8785 writes it, and leaves as RFC 6962 hashes them."""

from collections import OrderedDict
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from enum import IntEnum, StrEnum
from hashlib import sha256
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from investiture.chassis.audit import (
    LARGEST_EXACT_INTEGER,
    canonical_json,
    leaf,
    leaf_hash,
    rfc3339,
)


class Colour(StrEnum):
    RED = "red"


class Level(IntEnum):
    HIGH = 3


def test_strings_are_escaped_as_rfc_8785_says() -> None:
    # The string of the RFC's example in section 3.2.2.
    text = '\u20ac$\u000f\nA\'B"\\\\"/'
    assert canonical_json({"string": text}) == ('{"string":"\u20ac$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}')
    assert canonical_json("\b\t\n\f\r\x1f\x7f") == '"\\b\\t\\n\\f\\r\\u001f\x7f"'


def test_keys_are_sorted_at_every_depth_and_nothing_is_spaced() -> None:
    document = {"b": [{"z": 1, "a": None}], "a": {"d": True, "c": False}, "1": "x"}
    assert canonical_json(document) == ('{"1":"x","a":{"c":false,"d":true},"b":[{"a":null,"z":1}]}')


def test_enums_tuples_and_read_only_mappings_are_taken() -> None:
    document: Mapping[str, object] = MappingProxyType(
        {"c": Colour.RED, "l": Level.HIGH, "t": ("x", OrderedDict({"y": 1}))}
    )
    assert canonical_json(document) == '{"c":"red","l":3,"t":["x",{"y":1}]}'


@pytest.mark.parametrize(
    "value", [1.0, {"amount": 1.5}, b"bytes", {"at": datetime.now(UTC)}, {1, 2}, {1: "x"}, {"é": 1}]
)
def test_what_has_no_canonical_form_is_refused(value: object) -> None:
    with pytest.raises(TypeError):
        canonical_json(value)


def test_a_refusal_names_the_field() -> None:
    with pytest.raises(TypeError, match="ratio: float"):
        canonical_json({"payload": {"ratio": 0.5}})


def test_integers_are_exact_or_refused() -> None:
    assert canonical_json(LARGEST_EXACT_INTEGER) == "9007199254740991"
    for value in (LARGEST_EXACT_INTEGER + 1, -LARGEST_EXACT_INTEGER - 1):
        with pytest.raises(ValueError, match="exact"):
            canonical_json(value)


def test_half_a_character_is_refused() -> None:
    with pytest.raises(UnicodeEncodeError):
        leaf({"x": "\ud800"})


def test_a_leaf_commits_to_its_document() -> None:
    # The leaf hash of the empty entry, from RFC 6962's test vectors.
    assert leaf_hash("").hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    made = leaf({"b": 1, "a": 2})
    assert made.document == '{"a":2,"b":1}'
    assert made.hash == sha256(b'\x00{"a":2,"b":1}').digest()


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-LARGEST_EXACT_INTEGER, LARGEST_EXACT_INTEGER)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.text(st.characters(max_codepoint=127)), inner)
    ),
)


@given(st.dictionaries(st.text(st.characters(max_codepoint=127)), json_values))
def test_the_order_of_keys_does_not_matter(document: dict[str, object]) -> None:
    turned = dict(reversed(document.items()))
    assert leaf(document) == leaf(turned)


def test_instants_are_written_in_utc_at_a_fixed_width() -> None:
    vienna = timezone(timedelta(hours=1))
    assert rfc3339(datetime(2027, 1, 4, 10, tzinfo=vienna)) == "2027-01-04T09:00:00.000000Z"
