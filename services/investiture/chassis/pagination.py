"""Pages: signed keyset tokens (AIP-158), bound to the filter they were made for.

    page = pager.open(request)
    rows = store.list(after=page.after, limit=page.limit)        # one more than the page holds
    items, next_page_token = page.cut(rows, lambda row: (row.created_at_us, row.id))

A token holds the sort key of the last row, so nothing is skipped or repeated when rows come and go;
it is signed, so that it stays opaque, and tied to everything in the request but size and token.
"""

import base64
import binascii
import hmac
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import TypeVar

from google.protobuf.message import Message

from investiture.chassis.refusal import InvalidArgument

MAX_TOKEN_BYTES = 512
_MAC_BYTES = 16

KeyValue = str | int
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Page:
    """One page asked for: how many rows, after which."""

    size: int
    """How many items the page holds at most."""
    after: tuple[KeyValue, ...] | None
    """The sort key of the row before the page; ``None`` for the first page."""
    _pager: "Pager"
    _filter: bytes

    @property
    def limit(self) -> int:
        """How many rows to read: one more than the page holds, to know whether there is a next."""
        return self.size + 1

    def cut(
        self, rows: Sequence[R], key: Callable[[R], Sequence[KeyValue]]
    ) -> tuple[Sequence[R], str]:
        """Return the page's rows and the token of the next page, empty on the last.

        Args:
            rows: what was read with :attr:`limit`.
            key: the columns the rows are sorted by, unique together.
        """
        if len(rows) <= self.size:
            return rows, ""
        items = rows[: self.size]
        return items, self._pager.token(self._filter, tuple(key(items[-1])))


class Pager:
    """Opens and makes the page tokens of one service.

    Args:
        secret: signs the tokens; the same on every replica (``Signer.derived_key("pages")``).
        default: items in a page when the client asks for none in particular.
        maximum: items in a page however many the client asks for.
    """

    def __init__(self, secret: bytes, *, default: int = 50, maximum: int = 200) -> None:
        self._secret = secret
        self._default = default
        self._maximum = maximum

    def open(self, request: Message) -> Page:
        """Read ``page_size`` and ``page_token`` of a list request.

        Raises:
            InvalidArgument: the size is negative, or the token was altered or belongs to another
                filter or method (PAGE_TOKEN_INVALID).
        """
        asked: int = getattr(request, "page_size")  # noqa: B009 - any list request has it
        token: str = getattr(request, "page_token")  # noqa: B009 - any list request has it
        if asked < 0:
            raise InvalidArgument.of("page_size", "must not be negative; 0 asks for the default")
        size = min(asked or self._default, self._maximum)
        digest = _filter_digest(request)
        return Page(size, self._after(digest, token) if token else None, self, digest)

    def token(self, digest: bytes, after: tuple[KeyValue, ...]) -> str:
        """Return the token of the page after a row.

        Raises:
            ValueError: the sort key is too long for a token of 512 bytes.
        """
        body = json.dumps(after, separators=(",", ":"), ensure_ascii=False).encode()
        token = base64.urlsafe_b64encode(self._mac(digest, body) + body).decode().rstrip("=")
        if len(token) > MAX_TOKEN_BYTES:
            raise ValueError(f"a sort key of {len(body)} bytes does not fit a page token")
        return token

    def _after(self, digest: bytes, token: str) -> tuple[KeyValue, ...]:
        try:
            if len(token) > MAX_TOKEN_BYTES:
                raise ValueError("too long")
            padded = token.encode("ascii") + b"=" * (-len(token) % 4)
            raw = base64.b64decode(padded, altchars=b"-_", validate=True)
        except (ValueError, binascii.Error):
            raise _bad_token() from None
        mac, body = raw[:_MAC_BYTES], raw[_MAC_BYTES:]
        if not hmac.compare_digest(mac, self._mac(digest, body)):
            raise _bad_token()
        return tuple(json.loads(body))

    def _mac(self, digest: bytes, body: bytes) -> bytes:
        return hmac.digest(self._secret, digest + body, sha256)[:_MAC_BYTES]


def _filter_digest(request: Message) -> bytes:
    rest = type(request)()
    rest.CopyFrom(request)
    rest.ClearField("page_size")
    rest.ClearField("page_token")
    name = request.DESCRIPTOR.full_name.encode()
    return sha256(name + b"\0" + rest.SerializeToString(deterministic=True)).digest()


def _bad_token() -> InvalidArgument:
    return InvalidArgument.of(
        "page_token",
        "was altered or belongs to another filter; start again without it",
        reason="PAGE_TOKEN_INVALID",
    )
