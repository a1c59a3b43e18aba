"""Every RPC of ours says in its proto who may call it."""

import importlib
from collections.abc import Iterator
from pathlib import Path

from google.protobuf.descriptor import MethodDescriptor

from investiture.api.common.v1 import access_pb2
from investiture.cli.roles import SERVICES

PROTOS = Path(__file__).resolve().parents[2] / "protos"


def methods() -> Iterator[MethodDescriptor]:
    for proto in sorted((PROTOS / "investiture").rglob("*_service.proto")):
        module = proto.relative_to(PROTOS).with_suffix("").as_posix().replace("/", ".")
        file = importlib.import_module(f"{module}_pb2").DESCRIPTOR
        for service in file.services_by_name.values():
            yield from service.methods


def test_every_rpc_has_an_access_rule_that_lets_somebody_in() -> None:
    assert list(methods())
    without = [
        method.full_name
        for method in methods()
        if not (access := method.GetOptions().Extensions[access_pb2.access]).roles
        and not access.any_authenticated
    ]
    assert without == []


def test_the_table_of_roles_and_the_refusals_that_are_tried_know_every_service() -> None:
    """`SERVICES` is what the README's table and the role × RPC matrix are made of."""
    assert set(SERVICES) >= {method.containing_service.full_name for method in methods()}
