"""The role table is what the protos say."""

import pytest

from investiture.api.common.v1 import access_pb2, keys_pb2
from investiture.chassis.access import Access, RoleRow, role_table, service_descriptor
from investiture.chassis.call import Principal
from investiture.chassis.refusal import Denied

KEY_SERVICE = keys_pb2.DESCRIPTOR.services_by_name["KeyService"].full_name


def test_the_role_table_has_a_row_for_each_method() -> None:
    assert list(role_table([KEY_SERVICE])) == [
        RoleRow(KEY_SERVICE, "GetKeySet", (), any_authenticated=True, priority="READ")
    ]


def test_a_service_that_was_not_imported_is_named() -> None:
    with pytest.raises(LookupError, match=r"a\.b\.Nothing"):
        service_descriptor("a.b.Nothing")


def test_any_of_the_roles_is_enough_and_none_is_not() -> None:
    access = Access(frozenset({"sponsor", "owner"}), False, access_pb2.PRIORITY_DECIDE)
    access.check(Principal("people/ada", frozenset({"sponsor", "other"})))
    with pytest.raises(Denied, match="owner, sponsor") as caught:
        access.check(Principal("people/bob", frozenset({"other"})))
    assert caught.value.reason == "ROLE_MISSING"
