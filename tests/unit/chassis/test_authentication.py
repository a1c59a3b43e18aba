"""Tokens: who may say who somebody is, and for how long."""

import json
import stat
import threading
import time
from collections.abc import Iterator, Mapping
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from investiture.chassis.authentication import (
    Authenticator,
    KeySetFile,
    LocalIssuer,
    authenticator,
)
from investiture.chassis.refusal import Unauthenticated, Unavailable
from investiture.chassis.settings import IdentitySettings, SettingsError


@pytest.fixture
def identity(tmp_path: Path) -> IdentitySettings:
    return IdentitySettings(issuer_key_file=tmp_path / "issuer-1.jwk")


@pytest.fixture
def issuer(identity: IdentitySettings) -> LocalIssuer:
    assert identity.issuer_key_file is not None
    return LocalIssuer(identity.issuer_key_file, identity)


@pytest.fixture
def door(issuer: LocalIssuer, identity: IdentitySettings) -> Authenticator:
    return Authenticator(KeySetFile(issuer.jwks), identity)


async def refused(door: Authenticator, header: str) -> str:
    with pytest.raises(Unauthenticated) as caught:
        await door.authenticate(header)
    assert caught.value.reason == "UNAUTHENTICATED"
    return caught.value.message


def signed(issuer: LocalIssuer, **changes: Any) -> str:
    """Return a token with the issuer's key whose claims differ; ``None`` leaves one out."""
    now = int(time.time())
    claims: dict[str, Any] = {
        "iss": "investiture",
        "aud": "investiture",
        "sub": "people/ada",
        "iat": now,
        "exp": now + 60,
        **changes,
    }
    given = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(given, private_key(issuer), algorithm="EdDSA", headers={"kid": "issuer-1"})


def private_key(issuer: LocalIssuer) -> jwt.PyJWK:
    key: jwt.PyJWK = vars(issuer)["_key"]  # what a thief would have
    return key


async def test_a_minted_token_says_who_and_in_which_roles(
    door: Authenticator, issuer: LocalIssuer
) -> None:
    token = issuer.mint("people/ada", ["sponsor", "proposer"], "Ada")
    verified = await door.authenticate(f"Bearer {token}")
    assert verified.principal.subject == "people/ada"
    assert verified.principal.roles == {"sponsor", "proposer"}
    assert verified.principal.name == "Ada"
    assert verified.principal.is_person
    worker = await door.authenticate(f"bearer {issuer.mint('workloads/worker', ['worker'])}")
    assert not worker.principal.is_person


def test_the_issuers_key_is_made_once_for_its_owner_only(
    identity: IdentitySettings, issuer: LocalIssuer
) -> None:
    file = identity.issuer_key_file
    assert file is not None
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert LocalIssuer(file, identity).jwks == issuer.jwks
    assert "d" not in issuer.jwks["keys"][0]


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic YTpi", "token"])
async def test_a_call_without_a_bearer_token_is_told_how_to_send_one(
    door: Authenticator, header: str
) -> None:
    assert "authorization: Bearer" in await refused(door, header)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"exp": 1, "iat": 0}, "has expired"),
        ({"aud": "somebody-else"}, "is not meant for investiture"),
        ({"iss": "https://evil.example"}, "was not issued by investiture"),
        ({"nbf": 9_999_999_999}, "is not valid yet"),
        ({"iat": 9_999_999_999}, "is not valid yet"),
        ({"exp": None}, "lacks the claim exp"),
        ({"aud": None}, "lacks the claim aud"),
        ({"sub": None}, "lacks the claim sub"),
        ({"sub": "ada"}, "cannot be part of a resource name"),
        ({"sub": "people/ada/../bob"}, "cannot be part of a resource name"),
        ({"sub": "robots/r2"}, "cannot be part of a resource name"),
    ],
)
async def test_a_token_that_proves_nothing_is_refused_with_the_reason(
    door: Authenticator, issuer: LocalIssuer, changes: Mapping[str, Any], told: str
) -> None:
    assert told in await refused(door, f"Bearer {signed(issuer, **changes)}")


@pytest.mark.parametrize("token", ["a.b.c", "é.é.é", "x" * 9000, "."])
async def test_what_is_no_token_is_refused(door: Authenticator, token: str) -> None:
    assert "the bearer token" in await refused(door, f"Bearer {token}")


async def test_an_unsigned_token_is_refused(door: Authenticator) -> None:
    claims = {"iss": "investiture", "aud": "investiture", "sub": "people/ada", "exp": 9_999_999_999}
    token = jwt.encode(claims | {"iat": 1}, "", algorithm="none", headers={"kid": "issuer-1"})
    assert "no valid signature" in await refused(door, f"Bearer {token}")


async def test_the_public_key_is_no_shared_secret(door: Authenticator, issuer: LocalIssuer) -> None:
    secret = str(issuer.jwks["keys"][0]["x"]).encode()
    claims = {"iss": "investiture", "aud": "investiture", "sub": "people/ada", "exp": 9_999_999_999}
    headers = {"kid": "issuer-1"}
    token = jwt.encode(claims | {"iat": 1}, secret, algorithm="HS256", headers=headers)
    assert "no valid signature" in await refused(door, f"Bearer {token}")


async def test_a_key_set_with_a_shared_secret_is_not_believed(identity: IdentitySettings) -> None:
    secret = {"kty": "oct", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA", "kid": "s"}
    door = Authenticator(KeySetFile({"keys": [secret]}), identity)
    key = jwt.PyJWK(secret)
    now = int(time.time())
    claims = {"iss": "investiture", "aud": "investiture", "sub": "people/ada", "iat": now}
    token = jwt.encode(claims | {"exp": now + 60}, key, algorithm="HS256", headers={"kid": "s"})
    assert "HS256, which is not accepted" in await refused(door, f"Bearer {token}")


async def test_another_issuers_key_is_refused(
    door: Authenticator, tmp_path: Path, identity: IdentitySettings
) -> None:
    same_name = LocalIssuer(tmp_path / "elsewhere" / "issuer-1.jwk", identity)
    other_name = LocalIssuer(tmp_path / "issuer-2.jwk", identity)
    token = same_name.mint("people/ada", [])
    assert "no valid signature" in await refused(door, f"Bearer {token}")
    token = other_name.mint("people/ada", [])
    assert "a key the issuer does not have" in await refused(door, f"Bearer {token}")


async def test_a_remembered_token_expires_too(
    door: Authenticator, issuer: LocalIssuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = issuer.mint("people/ada", [], ttl=timedelta(minutes=5))
    first = await door.authenticate(f"Bearer {token}")
    assert await door.authenticate(f"Bearer {token}") is first
    later = time.time() + 3600
    monkeypatch.setattr(time, "time", lambda: later)
    assert "has expired" in await refused(door, f"Bearer {token}")


async def test_no_more_tokens_are_remembered_than_the_setting_says(tmp_path: Path) -> None:
    identity = IdentitySettings(issuer_key_file=tmp_path / "i-1.jwk", token_cache_size=2)
    issuer = LocalIssuer(tmp_path / "i-1.jwk", identity)
    door = Authenticator(KeySetFile(issuer.jwks), identity)
    tokens = [f"Bearer {issuer.mint(f'people/p{n}', [])}" for n in range(3)]
    first = [await door.authenticate(token) for token in tokens]
    again = [await door.authenticate(token) for token in reversed(tokens)]
    assert [was is now for was, now in zip(first, reversed(again), strict=True)] == [
        False,  # the oldest had made room
        True,
        True,
    ]


OIDC = {"iss": "https://login.example", "aud": "launches"}


def _oidc(tmp_path: Path, **changes: Any) -> tuple[Authenticator, Any]:
    """Return an authenticator for a JWKS file, and a function that signs as its issuer."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    jwk: dict[str, Any] = RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
    file = tmp_path / "jwks.json"
    file.write_text(json.dumps({"keys": [{**jwk, "kid": "k1", "use": "sig"}]}))
    settings = IdentitySettings(
        issuer="https://login.example", audience="launches", jwks=str(file), **changes
    )

    def sign(**claims: Any) -> str:
        dates = {"iat": int(time.time()), "exp": int(time.time()) + 60}
        return jwt.encode({**OIDC, **dates, **claims}, key, "RS256", headers={"kid": "k1"})

    return authenticator(settings), sign


async def test_an_oidc_subject_is_a_person_with_the_roles_of_the_configured_claim(
    tmp_path: Path,
) -> None:
    door, sign = _oidc(tmp_path, roles_claim="realm_access.roles", subject_claim="email")
    token = sign(sub="1234", email="ada@example.com", realm_access={"roles": ["sponsor", 7]})
    principal = (await door.authenticate(f"Bearer {token}")).principal
    assert principal.subject == "people/ada@example.com"
    assert principal.roles == {"sponsor"}


@pytest.mark.parametrize(
    ("roles", "read"),
    [("sponsor proposer", {"sponsor", "proposer"}), ({"a": 1}, set[str]()), (None, set[str]())],
)
async def test_roles_come_as_a_list_or_as_words(
    tmp_path: Path, roles: object, read: set[str]
) -> None:
    door, sign = _oidc(tmp_path)
    principal = (await door.authenticate(f"Bearer {sign(sub='ada', roles=roles)}")).principal
    assert principal.roles == read


async def test_an_oidc_subject_cannot_pose_as_a_workload(tmp_path: Path) -> None:
    door, sign = _oidc(tmp_path, workload_subjects=("svc-worker",))
    worker = await door.authenticate(f"Bearer {sign(sub='svc-worker')}")
    assert worker.principal.subject == "workloads/svc-worker"
    assert "resource name" in await refused(door, f"Bearer {sign(sub='workloads/worker')}")


async def test_an_oidc_token_without_the_subject_claim_is_refused(tmp_path: Path) -> None:
    door, sign = _oidc(tmp_path, subject_claim="email")
    assert "has no email claim" in await refused(door, f"Bearer {sign(sub='1')}")


async def test_elliptic_curve_keys_work_too(tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    jwk: dict[str, Any] = ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
    door = Authenticator(
        KeySetFile({"keys": [{**jwk, "kid": "k1"}]}),
        IdentitySettings(issuer="https://login.example", audience="launches", jwks="file"),
    )
    dates = {"iat": int(time.time()), "exp": int(time.time()) + 60}
    token = jwt.encode({**OIDC, **dates, "sub": "ada"}, key, "ES256", headers={"kid": "k1"})
    assert (await door.authenticate(f"Bearer {token}")).principal.subject == "people/ada"


class Endpoint:
    """An OIDC issuer's key endpoint on the loopback, which counts its visits."""

    def __init__(self) -> None:
        self.answer = b"{}"
        self.visits = 0
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                endpoint.visits += 1
                self.send_response(200)
                self.end_headers()
                self.wfile.write(endpoint.answer)

            def log_message(self, format: str, *args: Any) -> None: ...  # noqa: A002 - as its base

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/keys"
        self._thread = threading.Thread(target=self.server.serve_forever)
        self._thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self._thread.join()


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    endpoint = Endpoint()
    yield endpoint
    endpoint.close()


async def test_keys_of_a_url_are_fetched_once_and_a_stranger_asks_no_more(
    tmp_path: Path, endpoint: Endpoint
) -> None:
    settings = IdentitySettings(jwks=endpoint.url)
    issuer = LocalIssuer(tmp_path / "oidc-1.jwk", settings)
    stranger = LocalIssuer(tmp_path / "oidc-2.jwk", settings)
    endpoint.answer = json.dumps(issuer.jwks).encode()
    door = authenticator(settings)
    token = signed_as_oidc(issuer, "ada", "oidc-1")
    assert (await door.authenticate(f"Bearer {token}")).principal.subject == "people/ada"
    token = signed_as_oidc(issuer, "bob", "oidc-1")
    assert (await door.authenticate(f"Bearer {token}")).principal.subject == "people/bob"
    for name in ("eve", "mallory"):
        token = signed_as_oidc(stranger, name, "oidc-2")
        assert "a key the issuer does not have" in await refused(door, f"Bearer {token}")
    assert endpoint.visits == 1


def signed_as_oidc(issuer: LocalIssuer, subject: str, kid: str) -> str:
    now = int(time.time())
    claims = {"iss": "investiture", "aud": "investiture", "sub": subject, "iat": now}
    claims_with_end = claims | {"exp": now + 60}
    key = private_key(issuer)
    return jwt.encode(claims_with_end, key, algorithm="EdDSA", headers={"kid": kid})


async def test_an_issuer_that_is_down_is_no_fault_of_the_token(
    tmp_path: Path, endpoint: Endpoint
) -> None:
    settings = IdentitySettings(jwks=endpoint.url)
    issuer = LocalIssuer(tmp_path / "oidc-1.jwk", settings)
    endpoint.close()
    with pytest.raises(Unavailable):
        await authenticator(settings).authenticate(
            f"Bearer {signed_as_oidc(issuer, 'ada', 'oidc-1')}"
        )


def test_settings_that_name_nobody_to_believe_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="INVESTITURE_JWKS is not set"):
        authenticator(IdentitySettings())
    with pytest.raises(SettingsError, match=r"INVESTITURE_JWKS=.* cannot be used"):
        authenticator(IdentitySettings(jwks=str(tmp_path / "nothing.json")))
    empty = tmp_path / "issuer-1.jwk"
    empty.write_text("{}")
    with pytest.raises(SettingsError, match="INVESTITURE_ISSUER_KEY_FILE cannot be used"):
        authenticator(IdentitySettings(issuer_key_file=empty))


def test_a_token_is_minted_only_for_a_person_or_a_workload(issuer: LocalIssuer) -> None:
    with pytest.raises(ValueError, match="people/… or workloads/…"):
        issuer.mint("ada", [])
