"""Statements: only what its issuer signed, for what it says, while it holds."""

import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest

from investiture.chassis import keys
from investiture.chassis.refusal import PreconditionFailed
from investiture.chassis.statements import MAX_CHARACTERS, KeyRing, Signer

NOW = datetime(2026, 3, 4, 9, 30, tzinfo=UTC)
SAYS: Mapping[str, Any] = {"program": "programs/p1", "gate": "GATE_PLEDGE"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    keys.write_missing(tmp_path, ["sponsorship", "budget"])
    return tmp_path


@pytest.fixture
def signer(folder: Path) -> Signer:
    return Signer("sponsorship", keys.signing_key(folder, "sponsorship"))


@pytest.fixture
def ring(folder: Path) -> KeyRing:
    return KeyRing(folder)


def refused(
    ring: KeyRing,
    jws: str,
    *,
    issuer: str = "sponsorship",
    kind: str = "warrant",
    now: datetime = NOW,
) -> PreconditionFailed:
    with pytest.raises(PreconditionFailed) as caught:
        ring.verify(jws, issuer=issuer, kind=kind, now=now)
    (leg,) = caught.value.legs
    assert leg.type == caught.value.reason
    assert issuer in leg.remedy
    return caught.value


def test_a_statement_says_what_was_signed(signer: Signer, ring: KeyRing) -> None:
    until = NOW + timedelta(days=30)
    jws = signer.sign("warrant", SAYS, NOW, until, not_before=NOW)
    assert ring.verify(jws, issuer="sponsorship", kind="warrant", now=NOW) == SAYS
    opened = ring.open(jws, issuer="sponsorship", kind="warrant", now=NOW)
    assert (opened.kid, opened.issued_at, opened.not_before, opened.expires_at) == (
        "sponsorship-1",
        NOW,
        NOW,
        until,
    )


def test_its_header_names_kind_and_key(signer: Signer) -> None:
    header = jwt.get_unverified_header(signer.sign("warrant", SAYS, NOW))
    assert header == {"alg": "EdDSA", "typ": "warrant", "kid": "sponsorship-1"}


def _altered(jws: str, part: int, change: Mapping[str, Any]) -> str:
    parts = jws.split(".")
    padded = parts[part] + "=" * (-len(parts[part]) % 4)
    content = json.loads(base64.urlsafe_b64decode(padded)) | change
    parts[part] = base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")
    return ".".join(parts)


@pytest.mark.parametrize(
    ("part", "change"),
    [
        (1, {"stm": {"program": "programs/p2"}}),
        (1, {"exp": 9_999_999_999}),
        (0, {"extra": True}),
    ],
)
def test_a_tampered_statement_is_invalid(
    signer: Signer, ring: KeyRing, part: int, change: Mapping[str, Any]
) -> None:
    jws = _altered(signer.sign("warrant", SAYS, NOW), part, change)
    assert refused(ring, jws).reason == "STATEMENT_INVALID"


@pytest.mark.parametrize("jws", ["", "no.statement", "a.b.c", "x" * (MAX_CHARACTERS + 1), "é.é.é"])
def test_what_is_no_statement_is_invalid(ring: KeyRing, jws: str) -> None:
    assert refused(ring, jws).reason == "STATEMENT_INVALID"


def test_a_statement_of_another_issuer_is_invalid(folder: Path, ring: KeyRing) -> None:
    budget = Signer("budget", keys.signing_key(folder, "budget"))
    jws = budget.sign("warrant", SAYS, NOW)
    assert refused(ring, jws).reason == "STATEMENT_INVALID"
    assert ring.verify(jws, issuer="budget", kind="warrant", now=NOW) == SAYS


def test_a_service_cannot_speak_for_another_with_its_own_key(folder: Path, ring: KeyRing) -> None:
    budget = Signer("budget", keys.signing_key(folder, "budget"))
    budget.service = "sponsorship"
    jws = budget.sign("warrant", SAYS, NOW)  # says sponsorship, signed with budget-1
    assert refused(ring, jws).reason == "STATEMENT_INVALID"
    assert refused(ring, jws, issuer="budget").reason == "STATEMENT_INVALID"
    budget.kid = "sponsorship-1"  # names a key that did not sign
    assert refused(ring, budget.sign("warrant", SAYS, NOW)).reason == "STATEMENT_INVALID"


def test_a_statement_of_another_kind_is_invalid(signer: Signer, ring: KeyRing) -> None:
    assert refused(ring, signer.sign("end", SAYS, NOW)).reason == "STATEMENT_INVALID"


def test_a_kind_in_header_and_payload_must_agree(folder: Path, ring: KeyRing) -> None:
    jwk = keys.read(keys.signing_key(folder, "sponsorship"))
    claims = {"iss": "sponsorship", "kind": "end", "iat": int(NOW.timestamp()), "stm": SAYS}
    headers = {"typ": "warrant", "kid": "sponsorship-1"}
    jws = jwt.encode(claims, jwt.PyJWK(jwk, "EdDSA"), algorithm="EdDSA", headers=headers)
    assert refused(ring, jws).reason == "STATEMENT_INVALID"


@pytest.mark.parametrize(
    "kid", ["sponsorship-2", "sponsorship-01", "../sponsorship-1", "sponsorship-1/../budget-1", ""]
)
def test_a_key_that_is_not_known_here_is_refused(signer: Signer, ring: KeyRing, kid: str) -> None:
    signer.kid = kid
    assert refused(ring, signer.sign("warrant", SAYS, NOW)).reason == "STATEMENT_INVALID"


def test_no_algorithm_is_no_signature(ring: KeyRing) -> None:
    claims = {"iss": "sponsorship", "kind": "warrant", "iat": int(NOW.timestamp()), "stm": SAYS}
    headers = {"typ": "warrant", "kid": "sponsorship-1"}
    jws = jwt.encode(claims, "", algorithm="none", headers=headers)
    assert refused(ring, jws).reason == "STATEMENT_INVALID"


def test_the_public_key_is_no_shared_secret(folder: Path, ring: KeyRing) -> None:
    public = keys.read(folder / "sponsorship-1.jwk")
    claims = {"iss": "sponsorship", "kind": "warrant", "iat": int(NOW.timestamp()), "stm": SAYS}
    headers = {"typ": "warrant", "kid": "sponsorship-1"}
    secret = public["x"].encode()
    for algorithm in ("HS256", "HS384"):
        jws = jwt.encode(claims, secret + secret, algorithm=algorithm, headers=headers)
        assert refused(ring, jws).reason == "STATEMENT_INVALID"
        named = _altered(jws, 0, {"alg": "EdDSA"})
        assert refused(ring, named).reason == "STATEMENT_INVALID"


def test_a_statement_ends_by_the_clock_that_is_passed(signer: Signer, ring: KeyRing) -> None:
    jws = signer.sign("warrant", SAYS, NOW, NOW + timedelta(days=30))
    last = NOW + timedelta(days=30, seconds=-1)
    assert ring.verify(jws, issuer="sponsorship", kind="warrant", now=last) == SAYS
    error = refused(ring, jws, now=NOW + timedelta(days=30))
    assert error.reason == "STATEMENT_EXPIRED"
    assert "2026-04-03T09:30:00" in error.message


def test_a_statement_without_an_end_never_ends(signer: Signer, ring: KeyRing) -> None:
    jws = signer.sign("end", SAYS, NOW)
    later = NOW + timedelta(days=36_500)
    assert ring.verify(jws, issuer="sponsorship", kind="end", now=later) == SAYS


def test_an_issuers_clock_may_run_a_minute_ahead(signer: Signer, ring: KeyRing) -> None:
    jws = signer.sign("warrant", SAYS, NOW + timedelta(seconds=60))
    assert ring.verify(jws, issuer="sponsorship", kind="warrant", now=NOW) == SAYS
    ahead = signer.sign("warrant", SAYS, NOW + timedelta(seconds=61))
    assert refused(ring, ahead).reason == "STATEMENT_INVALID"


def test_a_statement_does_not_hold_before_its_time(signer: Signer, ring: KeyRing) -> None:
    jws = signer.sign("warrant", SAYS, NOW, not_before=NOW + timedelta(days=1))
    assert refused(ring, jws).reason == "STATEMENT_INVALID"
    then = NOW + timedelta(days=1)
    assert ring.verify(jws, issuer="sponsorship", kind="warrant", now=then) == SAYS


@pytest.mark.parametrize(
    "dates", [{}, {"iat": "now"}, {"iat": True}, {"iat": 1e300}, {"iat": 1, "exp": None}]
)
def test_dates_that_are_none_are_invalid(
    folder: Path, ring: KeyRing, dates: Mapping[str, Any]
) -> None:
    jwk = keys.read(keys.signing_key(folder, "sponsorship"))
    body = json.dumps({"iss": "sponsorship", "kind": "warrant", "stm": SAYS, **dates}).encode()
    headers = {"typ": "warrant", "kid": "sponsorship-1"}
    key = jwt.PyJWK(jwk, "EdDSA")
    jws = jwt.PyJWS(algorithms=["EdDSA"]).encode(body, key, algorithm="EdDSA", headers=headers)
    assert refused(ring, jws).reason == "STATEMENT_INVALID"


def test_a_naive_date_is_not_signed(signer: Signer) -> None:
    with pytest.raises(ValueError, match="aware"):
        signer.sign("warrant", SAYS, NOW.replace(tzinfo=None))


def test_after_a_rotation_the_new_key_signs_and_the_old_one_still_verifies(
    folder: Path, signer: Signer, ring: KeyRing
) -> None:
    old = signer.sign("warrant", SAYS, NOW)
    keys.rotate(folder, "sponsorship")
    rotated = Signer("sponsorship", keys.signing_key(folder, "sponsorship"))
    assert rotated.kid == "sponsorship-2"
    for jws in (old, rotated.sign("warrant", SAYS, NOW)):
        assert ring.verify(jws, issuer="sponsorship", kind="warrant", now=NOW) == SAYS


def test_a_key_that_comes_after_the_start_is_found(tmp_path: Path) -> None:
    ring = KeyRing(tmp_path)
    keys.write_missing(tmp_path, ["launch"])
    launch = Signer("launch", keys.signing_key(tmp_path, "launch"))
    jws = launch.sign("revision", SAYS, NOW)
    assert ring.verify(jws, issuer="launch", kind="revision", now=NOW) == SAYS


def test_a_service_signs_only_with_a_private_key_of_its_own(folder: Path) -> None:
    for service, file in (
        ("sponsorship", keys.signing_key(folder, "budget")),
        ("sponsorship", folder / "sponsorship-1.jwk"),
    ):
        with pytest.raises(ValueError, match="no private key of sponsorship"):
            Signer(service, file)


def test_a_derived_key_is_the_same_on_every_replica_and_another_for_each_purpose(
    folder: Path, signer: Signer
) -> None:
    replica = Signer("sponsorship", keys.signing_key(folder, "sponsorship"))
    assert replica.derived_key("pages") == signer.derived_key("pages")
    assert signer.derived_key("pages") != signer.derived_key("other")
