"""Canonical JSON and its digest."""

import hashlib
import json


def canonical_json(value: object) -> bytes:
    """Return the one JSON text of a value: keys sorted, no white space, UTF-8.

    Raises:
        ValueError: a number is not finite.
    """
    text = json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )
    return text.encode()


def digest(value: object) -> str:
    """Return ``sha256:`` and the hexadecimal SHA-256 of the canonical JSON."""
    return f"sha256:{hashlib.sha256(canonical_json(value)).hexdigest()}"
