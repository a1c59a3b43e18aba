"""Warrants: fetched while they stand, and verified with the public keys of who signed them."""

import json
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from google.protobuf import json_format

from investiture.api.casework.v1 import case_service_pb2 as casework_pb
from investiture.api.casework.v1.case_service_pb2_grpc import CaseServiceStub
from investiture.api.common.v1 import gate_pb2, keys_pb2, statements_pb2
from investiture.api.common.v1.keys_pb2_grpc import KeyServiceStub
from investiture.chassis.refusal import PreconditionFailed
from investiture.chassis.statements import KeyRing
from investiture.cli.demo.stage import WATCHER, Stage
from investiture.cli.demo.story import Story
from investiture.cli.output import gate_word
from investiture.cli.session import OWNERS

KIND = "warrant"


@dataclass(frozen=True, slots=True)
class Verified:
    """A warrant whose signature was checked; ``why`` says what is wrong with one that is not."""

    gate: gate_pb2.Gate.ValueType
    warrant: statements_pb2.Warrant
    issuer: str
    why: str = ""


async def collect(story: Story, *gates: gate_pb2.Gate.ValueType) -> None:
    """Fetch a fresh warrant of each gate, while it stands."""
    for gate in gates:
        stub = CaseServiceStub(story.stage.channel(OWNERS[gate], WATCHER))
        request = casework_pb.GetWarrantRequest(program=story.program, gate=gate)
        story.warrants[gate] = (await stub.GetWarrant(request)).warrant
    story.tell(f"Warrants fetched: {', '.join(gate_word(gate) for gate in gates)}.")


async def key_sets(stage: Stage, services: Iterable[str]) -> dict[str, str]:
    """Return each service's public keys as it serves them."""
    found: dict[str, str] = {}
    for service in services:
        stub = KeyServiceStub(stage.channel(service, WATCHER))
        found[service] = (await stub.GetKeySet(keys_pb2.GetKeySetRequest())).jwks_json
    return found


def verified(story: Story, public_keys: dict[str, str]) -> list[Verified]:
    """Check the story's warrants with nothing but the public keys."""
    with tempfile.TemporaryDirectory(prefix="investiture-keys-") as folder:
        for jwks in public_keys.values():
            for key in json.loads(jwks)["keys"]:
                (Path(folder) / f"{key['kid']}.jwk").write_text(json.dumps(key))
        ring = KeyRing(Path(folder))
        return [_verified(ring, gate, signed) for gate, signed in story.warrants.items()]


def _verified(ring: KeyRing, gate: gate_pb2.Gate.ValueType, signed: str) -> Verified:
    issuer = OWNERS[gate]
    warrant = statements_pb2.Warrant()
    try:
        said = ring.verify(signed, issuer=issuer, kind=KIND, now=datetime.now(UTC))
    except PreconditionFailed as refusal:
        return Verified(gate, warrant, issuer, refusal.message)
    json_format.ParseDict(dict(said), warrant)
    return Verified(gate, warrant, issuer)
