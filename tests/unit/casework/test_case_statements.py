"""A case statement of any service is believed for the gates which that service owns."""

from pathlib import Path

import pytest
from tests.support.clock import SettableClock
from tests.support.facts import NOW

from investiture.api.common.v1 import gate_pb2
from investiture.casework.statements import OWNER, Statements
from investiture.casework.vocabulary import GATES
from investiture.casework.words import Gate
from investiture.chassis import keys
from investiture.chassis.refusal import PreconditionFailed
from investiture.chassis.statements import KeyRing, Signer

SERVICES = ("sponsorship", "budget", "itrisk", "launch", "stranger")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    keys.write_missing(tmp_path, SERVICES)
    return tmp_path


def statements(folder: Path, service: str) -> Statements:
    signer = Signer(service, keys.signing_key(folder, service))
    return Statements(signer, KeyRing(folder), SettableClock(NOW))


def case(gate: Gate) -> gate_pb2.GateCase:
    return gate_pb2.GateCase(
        name="programs/a/cases/1", program="programs/a", gate=GATES.to(gate), version=1
    )


@pytest.mark.parametrize("gate", list(Gate))
def test_the_owner_of_a_gate_speaks_for_it(folder: Path, gate: Gate) -> None:
    signed = statements(folder, OWNER[gate]).case(case(gate))
    read = statements(folder, "launch").read_any_case(signed)
    assert (read.gate_case, read.issued_at) == (case(gate), NOW)


@pytest.mark.parametrize("gate", list(Gate))
def test_nobody_else_does(folder: Path, gate: Gate) -> None:
    for service in SERVICES:
        if service == OWNER[gate]:
            continue
        signed = statements(folder, service).case(case(gate))
        with pytest.raises(PreconditionFailed) as refused:
            statements(folder, "launch").read_any_case(signed)
        assert refused.value.reason == "STATEMENT_INVALID", service


def test_what_only_claims_a_key_is_not_believed(folder: Path) -> None:
    signed = statements(folder, "budget").case(case(Gate.FUND))
    header, body, _ = signed.split(".")
    other = statements(folder, "itrisk").case(case(Gate.KNIGHT)).split(".")[2]
    ring = KeyRing(folder)
    for forged in (f"{header}.{body}.{other}", f"{header}.{body}.", "", "a.b.c"):
        assert ring.claimed_issuer(forged) in ("budget", "")
        with pytest.raises(PreconditionFailed) as refused:
            statements(folder, "launch").read_any_case(forged)
        assert refused.value.reason == "STATEMENT_INVALID"
