"""Signing keys as files: made once, never overwritten, never sent anywhere.

A folder holds ``<service>-<n>.jwk`` (public, for everyone who verifies) and
``private/<service>-<n>.jwk`` (mode 600, for the one service that signs). The highest number signs;
the others are retired and stay, because old dossiers are verified with them.

    python -m investiture.chassis.keys FOLDER SERVICE…            write the pairs that are missing
    python -m investiture.chassis.keys FOLDER SERVICE… --rotate   add a pair, to sign from now on
    python -m investiture.chassis.keys FOLDER --jwks              print the public keys as a JWKS
"""

import argparse
import json
import os
import re
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import OKPAlgorithm

from investiture.api.common.v1 import keys_pb2
from investiture.chassis.call import Call

KID = re.compile(r"(?P<service>[a-z][a-z0-9]{0,30})-(?P<number>[1-9][0-9]{0,5})")
"""What a key id looks like; it is also the file's name, so nothing else is ever opened."""

PRIVATE_MODE = 0o600
PUBLIC_MODE = 0o644

Jwk = Mapping[str, Any]


def write_missing(folder: Path, services: Iterable[str]) -> list[Path]:
    """Write a first pair for each service that has none, and any public file that is lacking.

    Returns:
        The files written. A service whose public key is there without a private one is left
        alone: its private key lives elsewhere.
    """
    written: list[Path] = []
    for service in services:
        numbers = _numbers(folder, service) | _numbers(folder / "private", service)
        for number in numbers or {1}:
            written += _write_pair(folder, f"{service}-{number}")
    return written


def rotate(folder: Path, service: str) -> list[Path]:
    """Add a pair with the next number, which signs from the service's next start on."""
    numbers = _numbers(folder, service) | _numbers(folder / "private", service)
    return _write_pair(folder, f"{service}-{max(numbers, default=0) + 1}")


def signing_key(folder: Path, service: str) -> Path:
    """Return the private key file that signs for ``service``: the one with the highest number.

    Raises:
        FileNotFoundError: there is none; the message says which command writes one.
    """
    numbers = _numbers(folder / "private", service)
    if not numbers:
        raise FileNotFoundError(
            f"no signing key of {service} in {folder / 'private'}:"
            f" run python -m investiture.chassis.keys {folder} {service}"
        )
    return folder / "private" / f"{service}-{max(numbers)}.jwk"


def key_set(folder: Path, service: str = "") -> dict[str, list[Jwk]]:
    """Return the public keys as a JSON Web Key Set: of one service, or of all of them."""
    files = sorted(path for path in folder.glob("*.jwk") if KID.fullmatch(path.stem))
    wanted = (path for path in files if not service or _service(path.stem) == service)
    return {"keys": [read(path) for path in wanted]}


def read(path: Path) -> dict[str, Any]:
    """Return a JWK file's content.

    Raises:
        ValueError: it is no Ed25519 JWK with the key id its name says.
    """
    jwk: dict[str, Any] = json.loads(path.read_text())
    if (jwk.get("kty"), jwk.get("crv"), jwk.get("kid")) != ("OKP", "Ed25519", path.stem):
        raise ValueError(f"{path.name} is no Ed25519 JWK with kid {path.stem}")
    return jwk


def new_private(kid: str) -> dict[str, Any]:
    """Return a new Ed25519 private key as a JWK (RFC 8037)."""
    jwk: dict[str, Any] = OKPAlgorithm.to_jwk(Ed25519PrivateKey.generate(), as_dict=True)
    return {**jwk, "kid": kid, "alg": "EdDSA", "use": "sig"}


def public_part(jwk: Jwk) -> dict[str, Any]:
    """Return a JWK without its private member ``d``."""
    return {name: value for name, value in jwk.items() if name not in ("d", "key_ops")}


def write_once(path: Path, jwk: Jwk, mode: int) -> bool:
    """Write a key file whole or not at all; an existing one stays as it is.

    Returns:
        Whether this call wrote it: of several processes starting at once exactly one does.
    """
    path.parent.mkdir(mode=0o700 if mode == PRIVATE_MODE else 0o755, parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=".key-", dir=path.parent)
    whole = Path(name)
    try:
        with os.fdopen(handle, "w") as file:
            os.fchmod(file.fileno(), mode)
            file.write(json.dumps(jwk) + "\n")
            file.flush()
            os.fsync(file.fileno())
        path.hardlink_to(whole)  # unlike a rename, this fails where the file exists
    except FileExistsError:
        return False
    finally:
        whole.unlink()
    return True


class KeyHandlers:
    """Answers ``KeyService``: one service's public keys, read again for each call."""

    def __init__(self, folder: Path, service: str) -> None:
        self._folder = folder
        self._service = service

    async def GetKeySet(self, request: keys_pb2.GetKeySetRequest, call: Call) -> keys_pb2.KeySet:
        """Answer the current and retired public keys."""
        return keys_pb2.KeySet(jwks_json=json.dumps(key_set(self._folder, self._service)))


def _write_pair(folder: Path, kid: str) -> list[Path]:
    if not KID.fullmatch(kid):
        raise ValueError(f"{kid} is no key id: a service is lower-case letters and digits")
    public, private = folder / f"{kid}.jwk", folder / "private" / f"{kid}.jwk"
    if public.exists():
        return []
    wrote = [private] if write_once(private, new_private(kid), PRIVATE_MODE) else []
    wrote += [public] if write_once(public, public_part(read(private)), PUBLIC_MODE) else []
    return wrote


def _numbers(folder: Path, service: str) -> set[int]:
    stems = (path.stem for path in folder.glob(f"{service}-*.jwk"))
    matches = (KID.fullmatch(stem) for stem in stems)
    return {int(match["number"]) for match in matches if match and match["service"] == service}


def _service(kid: str) -> str:
    return kid.rpartition("-")[0]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m investiture.chassis.keys",
        description="Write signing keys that are missing.",
    )
    parser.add_argument("folder", type=Path, help="folder of the public keys; private/ is inside")
    parser.add_argument("services", nargs="*", metavar="service", help="a service that signs")
    parser.add_argument("--rotate", action="store_true", help="add a pair to each named service")
    parser.add_argument("--jwks", action="store_true", help="print the public keys and do no more")
    options = parser.parse_args(arguments)
    folder: Path = options.folder
    services: list[str] = options.services
    if options.jwks:
        sys.stdout.write(json.dumps(key_set(folder), indent=2) + "\n")
        return 0
    if not services:
        parser.error("name at least one service")
    try:
        if options.rotate:
            written = [path for service in services for path in rotate(folder, service)]
        else:
            written = write_missing(folder, services)
    except (ValueError, OSError) as error:
        sys.stderr.write(f"keys: {error}\n")
        return 1
    said = "\n".join(f"wrote {path}" for path in written) or "every key was there already"
    sys.stdout.write(f"{said}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
