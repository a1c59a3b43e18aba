"""Audit leaves: a canonical document for each thing that happened, and its hash.

The document is JSON as RFC 8785 writes it (keys sorted, no spaces, shortest escapes, UTF-8), so
that anyone can recompute a leaf without our code. The leaf hash is RFC 6962's: SHA-256 over a
zero byte and the document.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import cast

LARGEST_EXACT_INTEGER = 2**53 - 1
"""The largest integer every JSON reader keeps exactly (RFC 7493)."""

_LEAF_PREFIX = b"\x00"
_ENCODE = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":")
).encode


@dataclass(frozen=True, slots=True)
class Leaf:
    """One audit leaf: the canonical document and the SHA-256 that commits to it (32 bytes)."""

    document: str
    hash: bytes


def leaf(document: Mapping[str, object]) -> Leaf:
    """Return the leaf of a document; errors as ``canonical_json``."""
    text = canonical_json(document)
    return Leaf(text, leaf_hash(text))


def leaf_hash(document: str) -> bytes:
    """Return the RFC 6962 leaf hash of a canonical document (32 bytes)."""
    return hashlib.sha256(_LEAF_PREFIX + document.encode()).digest()


def canonical_json(value: object) -> str:
    """Return ``value`` as RFC 8785 JSON.

    It takes mappings with ASCII string keys, sequences, strings, booleans, None and integers up
    to 2^53 - 1. A float is refused: money is integer minor units, and a ratio that an auditor
    recomputes is written as a decimal string. Raises ``TypeError`` or ``ValueError``.
    """
    return _ENCODE(_plain(value, "document"))


def rfc3339(instant: datetime) -> str:
    """Return an aware instant as UTC text of a fixed width, to the microsecond."""
    return instant.astimezone(UTC).isoformat(timespec="microseconds")[:-6] + "Z"


def _plain(value: object, name: str) -> object:
    """Return ``value`` in types the encoder writes canonically, or refuse it by its name."""
    kind = type(value)
    if kind is str or kind is bool or value is None:
        return value
    if isinstance(value, int):
        if -LARGEST_EXACT_INTEGER <= value <= LARGEST_EXACT_INTEGER:
            return value
        raise ValueError(f"{name}: {value} is not exact in JSON; write it as a string")
    if isinstance(value, str):  # a StrEnum, say
        return str(value)
    if isinstance(value, Mapping):
        entries = cast(Mapping[object, object], value).items()
        return {(text := _key(key, name)): _plain(item, text) for key, item in entries}
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray | memoryview):
        return [_plain(item, name) for item in cast(Sequence[object], value)]
    raise TypeError(f"{name}: {kind.__name__} has no canonical JSON form")


def _key(key: object, name: str) -> str:
    # The encoder sorts by code point and RFC 8785 by UTF-16 unit: the same for ASCII keys.
    if isinstance(key, str) and key.isascii():
        return key
    raise TypeError(f"{name}: {key!r} is not an ASCII string key")
