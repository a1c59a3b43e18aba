"""A decision binds to the digest of what its gate declared material, and to nothing else."""

from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import pytest
from tests.support.halden import charter
from tests.support.programs import PROPOSER, benefit, content, eur, plan

from investiture.api.launch.v1 import launch_service_pb2 as pb
from investiture.casework.facts import Revision
from investiture.casework.words import Gate
from investiture.charter.vocabulary import MaterialField
from investiture.launch.domain.digests import digest_of, field_values, revision_of
from investiture.launch.wire import content_of

AT = datetime(2027, 1, 4, 9, 0, tzinfo=UTC)


def facts(number: int = 1, proposer: str = PROPOSER, **changes: Any) -> Revision:
    said = content_of(content(**changes))
    return revision_of("programs/community", number, proposer, said, charter(), AT)


def changed(**changes: Any) -> tuple[set[str], set[str]]:
    """The fields and the gates whose digest differs from the believable program's."""
    old, new = facts(), facts(**changes)
    return (
        {name for name in old.field_digests if old.field_digests[name] != new.field_digests[name]},
        {gate for gate in old.gate_digests if old.gate_digests[gate] != new.gate_digests[gate]},
    )


def test_a_digest_is_the_sha256_of_the_canonical_json() -> None:
    assert digest_of({"b": 1, "a": "é"}) == (
        "sha256:" + sha256('{"a":"é","b":1}'.encode()).hexdigest()
    )


def test_every_material_field_of_the_charters_vocabulary_has_a_value() -> None:
    assert set(field_values(content_of(content()), PROPOSER)) == set(MaterialField)


def test_a_gate_digest_is_over_the_digests_of_its_material_fields() -> None:
    one = facts()
    for gate in Gate:
        material = {name: one.field_digests[name] for name in charter().material_of(gate.value)}
        assert one.gate_digest(gate) == digest_of(material)


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"title": "Another title"}, {"title"}),
        ({"amount": eur(91_000), "tranches": None}, {"amount", "tranches"}),
        (
            {"tranches": pb.Tranches(trial=eur(6_000), pilot=eur(14_000), general=eur(70_000))},
            {"tranches"},
        ),
        ({"exposure_bps": 4_000}, {"exposure"}),
        ({"counter_sponsor": "people/hana"}, {"sponsor"}),
        ({"spend_conditions": ["novel"]}, {"category"}),
        ({"benefits": [benefit(baseline=0.5)]}, {"benefits"}),
        ({"pilot_plan": plan(rollback="none")}, {"pilot_plan"}),
        ({"steward": "people/sam"}, {"steward"}),
        ({"controls": ["MFA", "moderation"]}, {"controls"}),
        ({"it_liaison": "people/iris"}, set[str]()),
        ({"cost_of_delay_per_week": eur(1)}, set[str]()),
    ],
)
def test_a_change_touches_exactly_the_gates_that_declare_its_field_material(
    changes: dict[str, Any], fields: set[str]
) -> None:
    gates = {gate.value for gate in Gate if charter().material_of(gate.value) & fields}
    assert changed(**changes) == (fields, gates)


def test_what_is_a_set_has_no_order() -> None:
    benefits = [benefit(), benefit(id="loyalty")]
    one = facts(data_classes=["contact", "behaviour"], benefits=benefits)
    other = facts(data_classes=["behaviour", "contact"], benefits=benefits[::-1])
    assert one == other


def test_the_whole_digest_covers_what_no_gate_finds_material_and_the_number() -> None:
    digests = {
        facts().digest,
        facts(2).digest,
        facts(it_liaison="people/iris").digest,
        facts(cost_of_delay_per_week=eur(1)).digest,
        facts(agency="Brightside").digest,
        facts(proposer="people/max").digest,
    }
    assert len(digests) == 6


def test_amounts_beyond_what_json_keeps_exactly_are_digested() -> None:
    huge, more = eur(90_071_992_547_409_93), eur(90_071_992_547_409_94)
    one = facts(amount=huge, tranches=None)
    assert one.field_digests["amount"] != facts(amount=more, tranches=None).field_digests["amount"]
