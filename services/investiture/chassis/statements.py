"""Statements: what one service tells another, signed.

A JSON Web Signature (RFC 7515, EdDSA over Ed25519) whose header says the kind (``typ``) and the key
(``kid``), and whose payload is ``{iss, kind, iat, nbf?, exp?, stm: {…}}``, dates in whole seconds.
The algorithm is fixed: a token cannot choose it. Dates are compared with the instant the caller
passes, which comes from its Clock; the JWT library never looks at them.
"""

import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import jwt
from jwt.api_jws import PyJWS

from investiture.chassis import keys
from investiture.chassis.refusal import Leg, PreconditionFailed

ALGORITHM = "EdDSA"
SKEW = timedelta(seconds=60)
"""How far the issuer's clock may run ahead of ours."""
MAX_CHARACTERS = 64 * 1024

_jws = PyJWS(algorithms=[ALGORITHM])


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement whose signature and dates were checked."""

    issuer: str
    kind: str
    kid: str
    issued_at: datetime
    not_before: datetime | None
    expires_at: datetime | None
    payload: Mapping[str, Any]


class Signer:
    """Signs one service's statements with its private key."""

    def __init__(self, service: str, key_file: Path) -> None:
        jwk = keys.read(key_file)
        if not jwk["kid"].startswith(f"{service}-") or "d" not in jwk:
            raise ValueError(f"{key_file.name} is no private key of {service}")
        self.service = service
        self.kid: str = jwk["kid"]
        self._key = jwt.PyJWK(jwk, ALGORITHM)
        self._secret = str(jwk["d"]).encode()

    def sign(
        self,
        kind: str,
        payload: Mapping[str, Any],
        issued_at: datetime,
        expires_at: datetime | None = None,
        *,
        not_before: datetime | None = None,
    ) -> str:
        """Return the statement in compact form.

        Args:
            kind: what it is: ``revision``, ``warrant``, ``end``.
            payload: what it says, as JSON values (proto JSON of its message).
            issued_at: from the caller's Clock, aware.
            expires_at: from when on nobody accepts it; ``None`` for never.
            not_before: until when nobody accepts it yet.
        """
        claims: dict[str, Any] = {"iss": self.service, "kind": kind, "iat": _seconds(issued_at)}
        if not_before is not None:
            claims["nbf"] = _seconds(not_before)
        if expires_at is not None:
            claims["exp"] = _seconds(expires_at)
        claims["stm"] = payload
        body = json.dumps(claims, separators=(",", ":"), ensure_ascii=False).encode()
        headers = {"typ": kind, "kid": self.kid}
        return _jws.encode(body, self._key, algorithm=ALGORITHM, headers=headers)

    def derived_key(self, purpose: str) -> bytes:
        """Return 32 secret bytes for one purpose, the same on every replica of the service."""
        return hmac.digest(self._secret, f"{self.service}/{purpose}".encode(), sha256)


class KeyRing:
    """Verifies statements with the public keys of a folder, each loaded when it is first needed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._keys: dict[str, jwt.PyJWK] = {}

    def verify(self, jws: str, *, issuer: str, kind: str, now: datetime) -> Mapping[str, Any]:
        """Return what the statement says, once :meth:`open` has accepted it."""
        return self.open(jws, issuer=issuer, kind=kind, now=now).payload

    def open(self, jws: str, *, issuer: str, kind: str, now: datetime) -> Statement:
        """Check a statement's signature, issuer, kind and dates.

        Raises:
            PreconditionFailed: STATEMENT_INVALID or STATEMENT_EXPIRED, with the remedy.
        """
        about = _About(issuer, kind)
        kid = _key_id(jws, about)
        try:
            body = _jws.decode(jws, self._key(kid, about), algorithms=[ALGORITHM])
            claims: dict[str, Any] = json.loads(body)
        except (jwt.PyJWTError, ValueError):
            raise about.invalid("its signature does not match") from None
        if not isinstance(claims.get("stm"), dict):
            raise about.invalid("it has no content")
        if claims.get("iss") != issuer or claims.get("kind") != kind:
            raise about.invalid("it is another statement than the one asked for")
        return _dated(claims, kid, about, now)

    def claimed_issuer(self, jws: str) -> str:
        """Return which service a statement says signed it; empty where it says none.

        Nothing is verified: this only chooses whose key to check, and what that issuer may say.
        """
        try:
            header = jwt.get_unverified_header(jws[:MAX_CHARACTERS])
        except jwt.PyJWTError:
            return ""
        match = keys.KID.fullmatch(str(header.get("kid", "")))
        return match["service"] if match else ""

    def _key(self, kid: str, about: "_About") -> jwt.PyJWK:
        key = self._keys.get(kid)
        if key is None:
            try:
                public = keys.public_part(keys.read(self._folder / f"{kid}.jwk"))
                key = self._keys[kid] = jwt.PyJWK(public, ALGORITHM)
            except FileNotFoundError:
                raise about.invalid(f"the key {kid} that signed it is not known here") from None
        return key


@dataclass(frozen=True, slots=True)
class _About:
    issuer: str
    kind: str

    def invalid(self, why: str) -> PreconditionFailed:
        return self._refusal("STATEMENT_INVALID", why)

    def expired(self, why: str) -> PreconditionFailed:
        return self._refusal("STATEMENT_EXPIRED", why)

    def _refusal(self, reason: str, why: str) -> PreconditionFailed:
        what = f"the {self.kind} statement of {self.issuer} cannot be accepted: {why}"
        leg = Leg(
            type=reason,
            subject=f"{self.issuer}/{self.kind}",
            description=what,
            remedy=f"ask {self.issuer} for a fresh {self.kind} statement and present that",
        )
        return PreconditionFailed(reason, what, legs=(leg,))


def _key_id(jws: str, about: _About) -> str:
    if len(jws) > MAX_CHARACTERS:
        raise about.invalid(f"it is longer than {MAX_CHARACTERS} characters")
    try:
        header = jwt.get_unverified_header(jws)
    except jwt.PyJWTError:
        raise about.invalid("it is no signed statement") from None
    match = keys.KID.fullmatch(str(header.get("kid", "")))
    if match is None or match["service"] != about.issuer:
        raise about.invalid(f"it was not signed with a key of {about.issuer}")
    if header.get("alg") != ALGORITHM or header.get("typ") != about.kind:
        raise about.invalid("it is another statement than the one asked for")
    return match[0]


def _dated(claims: dict[str, Any], kid: str, about: _About, now: datetime) -> Statement:
    try:
        issued_at = _instant(claims["iat"])
        not_before = _instant(claims["nbf"]) if "nbf" in claims else None
        expires_at = _instant(claims["exp"]) if "exp" in claims else None
    except (KeyError, TypeError, ValueError, OverflowError):
        raise about.invalid("its dates are missing or malformed") from None
    if issued_at > now + SKEW:
        raise about.invalid(f"it was issued in the future, at {issued_at.isoformat()}")
    if not_before is not None and not_before > now + SKEW:
        raise about.invalid(f"it holds only from {not_before.isoformat()} on")
    if expires_at is not None and expires_at <= now:
        raise about.expired(f"it ended at {expires_at.isoformat()}")
    return Statement(
        about.issuer, about.kind, kid, issued_at, not_before, expires_at, claims["stm"]
    )


def _seconds(instant: datetime) -> int:
    if instant.tzinfo is None:
        raise ValueError("a statement's dates are aware datetimes")
    return int(instant.timestamp())


def _instant(seconds: object) -> datetime:
    if isinstance(seconds, bool) or not isinstance(seconds, int):
        raise TypeError("a date is whole seconds")
    return datetime.fromtimestamp(seconds, UTC)
