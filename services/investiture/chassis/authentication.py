"""Who calls: JSON Web Tokens of the local issuer or of an OIDC issuer.

The algorithm follows from the key, never from the token. Dates are checked on the system clock.
"""

import asyncio
import json
import re
import time
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol, cast

import jwt

from investiture.chassis import keys
from investiture.chassis.call import Principal
from investiture.chassis.refusal import Unauthenticated, Unavailable
from investiture.chassis.settings import IdentitySettings, SettingsError

SKEW_SECONDS = 10
"""How far the issuer's clock and ours may differ."""
_MAX_TOKEN_CHARACTERS = 8 * 1024
_REASON = "UNAUTHENTICATED"
_SUBJECT = re.compile(r"(people|workloads)/[A-Za-z0-9._~@|+:=-]{1,200}")
_ALGORITHMS = frozenset({"EdDSA", "ES256", "RS256"})
"""Of public keys only: with a shared secret, whoever verifies could mint."""


@dataclass(frozen=True, slots=True)
class Verified:
    """A caller and until when its token proves it."""

    principal: Principal
    expires_at: float
    """Seconds since the epoch, on the system clock."""


class TokenKeys(Protocol):
    """The public keys of a token issuer."""

    async def key(self, kid: str) -> jwt.PyJWK:
        """Return the key a token names.

        Raises:
            KeyError: the issuer has no such key.
            Unavailable: the issuer cannot be asked now.
        """
        ...


class KeySetFile:
    """The keys of a JWKS file, or of the local issuer."""

    def __init__(self, jwks: Mapping[str, Any]) -> None:
        self._keys = {key.key_id: key for key in jwt.PyJWKSet.from_dict(dict(jwks)).keys}

    async def key(self, kid: str) -> jwt.PyJWK:
        """Return the key a token names."""
        return self._keys[kid]


class KeySetUrl:
    """The keys an OIDC issuer serves: fetched in a thread, kept for five minutes.

    An unknown key id asks the issuer again at most twice a minute.
    """

    def __init__(self, url: str) -> None:
        self._client = jwt.PyJWKClient(url, lifespan=300, timeout=5, cooldown_duration=30)

    async def key(self, kid: str) -> jwt.PyJWK:
        """Return the key a token names."""
        try:
            return await asyncio.to_thread(self._client.get_signing_key, kid)
        except jwt.PyJWKClientConnectionError:
            raise Unavailable("the issuer of the tokens does not answer; try again") from None
        except jwt.PyJWKClientError:
            raise KeyError(kid) from None


class Authenticator:
    """Verifies bearer tokens, and remembers the verified ones until they expire."""

    def __init__(self, token_keys: TokenKeys, settings: IdentitySettings) -> None:
        self._keys = token_keys
        self._settings = settings
        self._verified: OrderedDict[str, Verified] = OrderedDict()

    async def authenticate(self, authorization: str | bytes) -> Verified:
        """Return who calls, from the call's ``authorization`` metadata.

        Raises:
            Unauthenticated: no token, or one that proves nothing, with what to do.
            Unavailable: the issuer's keys cannot be fetched now.
        """
        scheme, _, token = str(authorization).partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Unauthenticated(
                _REASON, "the call has no bearer token: send authorization: Bearer <token>"
            )
        known = self._verified.get(token)
        if known is None:
            known = await self._verify(token)
            self._remember(token, known)
        elif known.expires_at + SKEW_SECONDS <= time.time():
            del self._verified[token]
            raise _expired()
        else:
            self._verified.move_to_end(token)
        return known

    async def _verify(self, token: str) -> Verified:
        try:
            claims = await self._claims(token)
        except jwt.ExpiredSignatureError:
            raise _expired() from None
        except jwt.InvalidAudienceError:
            raise _refused(f"is not meant for {self._settings.audience}") from None
        except jwt.InvalidIssuerError:
            raise _refused(f"was not issued by {self._settings.issuer}") from None
        except (jwt.ImmatureSignatureError, jwt.InvalidIssuedAtError):
            raise _refused("is not valid yet: compare the clocks") from None
        except jwt.MissingRequiredClaimError as error:
            raise _refused(f"lacks the claim {error.claim}") from None
        except jwt.PyJWTError:
            raise _refused("is malformed or has no valid signature") from None
        return Verified(self._principal(claims), float(claims["exp"]))

    async def _claims(self, token: str) -> dict[str, Any]:
        if len(token) > _MAX_TOKEN_CHARACTERS:
            raise _refused(f"is longer than {_MAX_TOKEN_CHARACTERS} characters")
        kid = jwt.get_unverified_header(token).get("kid")
        try:
            key = await self._keys.key(str(kid))
        except KeyError:
            raise _refused("was signed with a key the issuer does not have") from None
        if key.algorithm_name not in _ALGORITHMS:
            raise _refused(f"was signed with {key.algorithm_name}, which is not accepted")
        claims: dict[str, Any] = jwt.decode(
            token,
            key,
            algorithms=[key.algorithm_name],
            audience=self._settings.audience,
            issuer=self._settings.issuer,
            leeway=SKEW_SECONDS,
            options={"require": ["exp", "iat", "iss", "aud", "sub"]},
        )
        return claims

    def _principal(self, claims: Mapping[str, Any]) -> Principal:
        subject = _at(claims, self._settings.subject_claim)
        if not isinstance(subject, str):
            raise _refused(f"has no {self._settings.subject_claim} claim that names a subject")
        if self._settings.jwks:
            workload = subject in self._settings.workload_subjects
            subject = f"{'workloads' if workload else 'people'}/{subject}"
        if not _SUBJECT.fullmatch(subject):
            raise _refused("names a subject that cannot be part of a resource name")
        roles = _at(claims, self._settings.roles_claim)
        name = claims.get("name")
        return Principal(subject, _words(roles), name if isinstance(name, str) else "")

    def _remember(self, token: str, verified: Verified) -> None:
        self._verified[token] = verified
        if len(self._verified) > self._settings.token_cache_size:
            self._verified.popitem(last=False)


class LocalIssuer:
    """Mints tokens with a key of its own: for the embedded stack, tests and workloads.

    Args:
        key_file: made at first start if it is missing, mode 600; of several processes that start
            at once one makes it and all use it.
        settings: issuer and audience of the tokens.
    """

    def __init__(self, key_file: Path, settings: IdentitySettings) -> None:
        if not key_file.exists():
            keys.write_once(key_file, keys.new_private(key_file.stem), keys.PRIVATE_MODE)
        jwk = keys.read(key_file)
        self._settings = settings
        self._kid: str = jwk["kid"]
        self._key = jwt.PyJWK(jwk, "EdDSA")
        self.jwks: dict[str, Any] = {"keys": [keys.public_part(jwk)]}
        """The public key, as services get it that shall not mint."""

    def mint(
        self,
        subject: str,
        roles: Iterable[str],
        name: str = "",
        ttl: timedelta = timedelta(hours=1),
    ) -> str:
        """Return a token for ``people/…`` or ``workloads/…``, valid from now on for ``ttl``."""
        if not _SUBJECT.fullmatch(subject):
            raise ValueError(f"{subject} is no people/… or workloads/… name")
        now = int(time.time())
        claims = {
            "iss": self._settings.issuer,
            "aud": self._settings.audience,
            "sub": subject,
            "name": name,
            "roles": sorted(roles),
            "iat": now,
            "exp": now + int(ttl.total_seconds()),
        }
        return jwt.encode(claims, self._key, algorithm="EdDSA", headers={"kid": self._kid})


def authenticator(settings: IdentitySettings) -> Authenticator:
    """Return the authenticator the settings ask for: OIDC where ``jwks`` is given, else local.

    Raises:
        SettingsError: neither ``jwks`` nor ``issuer_key_file`` is given, or a file is unusable.
    """
    if settings.jwks.startswith(("https://", "http://")):
        return Authenticator(KeySetUrl(settings.jwks), settings)
    if settings.jwks:
        return Authenticator(KeySetFile(_key_set(Path(settings.jwks))), settings)
    return Authenticator(KeySetFile(local_issuer(settings).jwks), settings)


def local_issuer(settings: IdentitySettings) -> LocalIssuer:
    """Return the local issuer of the settings.

    Raises:
        SettingsError: ``issuer_key_file`` is not given, or holds no key.
    """
    if settings.issuer_key_file is None:
        raise SettingsError(
            "INVESTITURE_JWKS is not set, nor is INVESTITURE_ISSUER_KEY_FILE:"
            " give the OIDC issuer's key set, or a file for the local issuer's key"
        )
    try:
        return LocalIssuer(settings.issuer_key_file, settings)
    except (OSError, ValueError, KeyError) as error:
        raise SettingsError(f"INVESTITURE_ISSUER_KEY_FILE cannot be used: {error}") from None


def _key_set(path: Path) -> Mapping[str, Any]:
    try:
        content: Mapping[str, Any] = json.loads(path.read_text())
        KeySetFile(content)
    except (OSError, ValueError, jwt.PyJWTError) as error:
        raise SettingsError(f"INVESTITURE_JWKS={path} cannot be used: {error}") from None
    return content


def _at(claims: Mapping[str, Any], path: str) -> object:
    """Return the claim at a dotted path, or ``None``."""
    found: object = claims
    for part in path.split("."):
        if not isinstance(found, Mapping):
            return None
        found = cast("Mapping[str, object]", found).get(part)
    return found


def _words(roles: object) -> frozenset[str]:
    """Return roles given as a list, or as words in one string, as some issuers do."""
    if isinstance(roles, str):
        return frozenset(roles.split())
    if isinstance(roles, list):
        return frozenset(r for r in cast("list[object]", roles) if isinstance(r, str))
    return frozenset()


def _expired() -> Unauthenticated:
    return _refused("has expired: get a new one")


def _refused(why: str) -> Unauthenticated:
    return Unauthenticated(_REASON, f"the bearer token {why}")
