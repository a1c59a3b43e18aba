"""Exit codes by class, and words for each failed leg."""

import io
import json
from pathlib import Path

import grpc
import pytest
from google.rpc import error_details_pb2
from rich.console import Console
from tests.support.refused import refused

from investiture.charter.finding import DocumentBroken, Finding, Severity
from investiture.chassis.client import Problem
from investiture.chassis.settings import SettingsError
from investiture.chassis.status import REMEDY
from investiture.cli import problems
from investiture.cli.problems import Complaint, status_code, tell
from investiture.stack.failures import FolderInUse, TemporalMissing


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    written = io.StringIO()
    console = Console(file=written, highlight=False, soft_wrap=True)
    monkeypatch.setattr(problems, "complaints", console)
    return written


@pytest.mark.parametrize("code", list(grpc.StatusCode), ids=lambda code: code.name)
def test_every_status_has_a_documented_exit_code(code: grpc.StatusCode) -> None:
    found = status_code(Problem(code.name, "", ""))
    assert found in problems.EXIT_CODES
    assert found >= 64


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("INVALID_ARGUMENT", 65),
        ("NOT_FOUND", 66),
        ("UNAVAILABLE", 69),
        ("INTERNAL", 70),
        ("ALREADY_EXISTS", 73),
        ("ABORTED", 75),
        ("FAILED_PRECONDITION", 76),
        ("PERMISSION_DENIED", 77),
        ("UNAUTHENTICATED", 77),
    ],
)
def test_the_exit_code_says_the_class(code: str, expected: int) -> None:
    assert status_code(Problem(code, "", "")) == expected


def business_first() -> grpc.aio.AioRpcError:
    leg = error_details_pb2.PreconditionFailure.Violation(
        type="WARRANT_PLEDGE",
        subject="programs/x",
        description=f"pledge: there is no warrant{REMEDY}a business sponsor pledges first",
    )
    return refused(
        grpc.StatusCode.FAILED_PRECONDITION,
        "knight is asked too early",
        error_details_pb2.ErrorInfo(reason="BUSINESS_FIRST", domain="investiture"),
        error_details_pb2.PreconditionFailure(violations=[leg]),
    )


def test_a_refusal_names_its_reason_and_each_leg_with_its_remedy(told: io.StringIO) -> None:
    assert tell(business_first(), as_json=False) == 76
    lines = told.getvalue().splitlines()
    assert lines[0] == "BUSINESS_FIRST  knight is asked too early"
    assert lines[1] == "  ✗ pledge: there is no warrant"
    assert lines[2] == "    → a business sponsor pledges first"


def test_scripts_get_the_same_as_json(told: io.StringIO) -> None:
    assert tell(business_first(), as_json=True) == 76
    error = json.loads(told.getvalue())["error"]
    assert error["reason"] == "BUSINESS_FIRST"
    assert error["legs"][0]["remedy"] == "a business sponsor pledges first"


def test_a_broken_file_is_told_line_by_line(told: io.StringIO) -> None:
    what = ("`a` is no field", "drop it", "a")
    finding = Finding("p.yaml", 3, "field-unknown", Severity.ERROR, *what)
    assert tell(DocumentBroken([finding]), as_json=False) == 65
    assert told.getvalue() == "p.yaml:3: a: `a` is no field; drop it\n"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (SettingsError("INVESTITURE_X is not set"), 78),
        (Complaint("no stack is running", problems.UNAVAILABLE, "start one"), 69),
        (FolderInUse(Path(".investiture"), 7), 73),
        (TemporalMissing(), 78),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_what_the_command_itself_refuses_has_its_code(
    told: io.StringIO, error: Exception, code: int
) -> None:
    assert tell(error, as_json=False) == code
    assert str(error) in told.getvalue()


def test_a_service_that_does_not_answer_says_what_to_do(told: io.StringIO) -> None:
    error = grpc.aio.AioRpcError(
        grpc.StatusCode.UNAVAILABLE,
        grpc.aio.Metadata(),
        grpc.aio.Metadata(),
        "failed to connect to all addresses; last error: UNKNOWN: ipv4:127.0.0.1:1: refused",
    )
    assert tell(error, as_json=False) == 69
    assert "does not answer" in told.getvalue()
    assert "ipv4" not in told.getvalue()


def test_an_unknown_fault_is_not_told_here() -> None:
    with pytest.raises(ZeroDivisionError):
        tell(ZeroDivisionError("x"), as_json=False)
