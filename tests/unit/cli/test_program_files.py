"""What is wrong with a program file is said with file, line, field and remedy."""

from pathlib import Path

import grpc
import pytest
from google.rpc import error_details_pb2
from tests.support.refused import refused

from investiture.charter.finding import DocumentBroken
from investiture.cli.problems import finding_line
from investiture.cli.proposals import Proposal, proposal_of
from investiture.stack.example import example

EXAMPLES = ("support-community", "agency-campaign", "internal-network")


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_example_proposals_can_be_sent(name: str) -> None:
    proposal = proposal_of(example(f"examples/{name}.yaml"))
    assert proposal.program == name
    assert proposal.content.amount.currency_code == "EUR"
    assert proposal.content.benefits[0].likely.units > 0


def changed(tmp_path: Path, old: str, new: str) -> Path:
    text = example("examples/support-community.yaml").read_text()
    assert old in text
    file = tmp_path / "proposal.yaml"
    file.write_text(text.replace(old, new, 1))
    return file


def line_of(file: Path, text: str) -> int:
    return next(n for n, line in enumerate(file.read_text().splitlines(), 1) if text in line)


def only_finding(file: Path) -> str:
    with pytest.raises(DocumentBroken) as caught:
        proposal_of(file)
    (finding,) = caught.value.findings
    return finding_line(finding)


def test_an_unknown_field_names_the_one_that_was_meant(tmp_path: Path) -> None:
    file = changed(tmp_path, "steward:", "stewart:")
    found = only_finding(file)
    assert found.startswith(f"{file}:{line_of(file, 'stewart')}: stewart:")
    assert "did you mean `steward`?" in found


def test_a_missing_field_is_named(tmp_path: Path) -> None:
    found = only_finding(changed(tmp_path, "category: opex\n", ""))
    assert "`category` is missing" in found


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ("42_000", "say the currency too"),
        ("42,000 EUR", "write an amount as"),
        ("42_000.005 EUR", "more decimals than the 2 of EUR"),
        ("42_000 EURO", "write an amount as"),
        ("42_000 XQZ", "no ISO 4217 currency is called XQZ"),
    ],
)
def test_a_malformed_amount_says_how_one_is_written(tmp_path: Path, written: str, why: str) -> None:
    file = changed(tmp_path, "amount: 42_000 EUR", f"amount: {written}")
    found = only_finding(file)
    assert f":{line_of(file, 'amount:')}: amount:" in found
    assert why in found


def test_a_name_of_the_wrong_shape_is_refused_before_anything_is_sent(tmp_path: Path) -> None:
    file = changed(tmp_path, "sponsor: people/sara", "sponsor: Sara Nyberg")
    found = only_finding(file)
    assert f":{line_of(file, 'sponsor: Sara')}: sponsor:" in found
    assert found.endswith("write a person as people/…")


def test_the_line_of_a_list_item_is_the_item_s_own(tmp_path: Path) -> None:
    file = changed(tmp_path, "    owner: people/sara", "    owner: sara")
    found = only_finding(file)
    assert f":{line_of(file, 'owner: sara')}: benefits[0].owner:" in found


def test_everything_wrong_is_said_at_once(tmp_path: Path) -> None:
    file = changed(tmp_path, "steward:", "stewart:")
    file.write_text(file.read_text().replace("category: opex\n", ""))
    with pytest.raises(DocumentBroken) as caught:
        proposal_of(file)
    assert len(caught.value.findings) == 2


def test_text_that_is_no_yaml_is_refused_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "broken.yaml"
    file.write_text("program: x\ntitle: [\n")
    with pytest.raises(DocumentBroken) as caught:
        proposal_of(file)
    assert caught.value.findings[0].line >= 2


def refusal(field: str, why: str) -> grpc.aio.AioRpcError:
    violation = error_details_pb2.BadRequest.FieldViolation(field=field, description=why)
    return refused(
        grpc.StatusCode.INVALID_ARGUMENT,
        why,
        error_details_pb2.ErrorInfo(reason="INVALID_FIELD", domain="investiture"),
        error_details_pb2.BadRequest(field_violations=[violation]),
    )


def test_what_only_the_service_knows_comes_back_with_its_line() -> None:
    file = example("examples/support-community.yaml")
    proposal: Proposal = proposal_of(file)
    error = refusal("content.channels[1]", "the charter knows no channel 'community-forun'")
    told = proposal.located(error)
    assert isinstance(told, DocumentBroken)
    (finding,) = told.findings
    assert finding.line == line_of(file, "channels:")
    assert finding.field == "channels[1]"


def test_a_refusal_without_fields_stays_as_it_is() -> None:
    proposal = proposal_of(example("examples/support-community.yaml"))
    error = grpc.aio.AioRpcError(
        grpc.StatusCode.UNAVAILABLE, grpc.aio.Metadata(), grpc.aio.Metadata(), "away"
    )
    assert proposal.located(error) is error
