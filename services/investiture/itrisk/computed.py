"""What the computing process does: it takes a question, computes, and sends the answer back.

It knows neither gRPC nor a database, so that it starts quickly and stays small. Questions and
answers are plain values; refusals travel as such too.
"""

import os
import signal
import traceback
from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

from investiture.chassis.refusal import InvalidArgument
from investiture.itrisk.quantification.assessment import assess
from investiture.itrisk.quantification.compound import Risk
from investiture.itrisk.quantification.document import question_of
from investiture.itrisk.quantification.portfolio import together
from investiture.itrisk.quantification.quantiles import curve
from investiture.itrisk.quantification.report import document_of, sentence
from investiture.itrisk.quantification.scenarios import Question

NICENESS = 5
MOST_SETS = 100
"""Sets of controls in an answer, the cheapest first: twelve controls may have thousands."""
ANSWERED, REFUSED, GIVEN_UP, TOO_LARGE, FAILED = range(5)

Proceed = Callable[[], None]
Reply = tuple[int, Any]


class GivenUp(Exception):
    """Nobody waits for the answer any more."""


def serve(questions: Connection, given_up: Any) -> None:
    """Answer until the service closes its end.

    `given_up` is shared memory: the number of the question that nobody waits for any more.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the service's to handle
    os.nice(NICENESS)
    while True:
        try:
            number, work, asked = questions.recv()
            questions.send(_reply(number, work, asked, given_up))
        except (EOFError, OSError):
            return


def _reply(number: int, work: str, asked: Any, given_up: Any) -> Reply:
    def proceed() -> None:
        if given_up.value == number:
            raise GivenUp

    try:
        return ANSWERED, WORKS[work](asked, proceed)
    except GivenUp:
        return GIVEN_UP, None
    except InvalidArgument as refusal:
        return REFUSED, [(one.field, one.description) for one in refusal.violations]
    except MemoryError:
        return TOO_LARGE, None
    except Exception:  # noqa: BLE001 - whatever it is, the service says it in its log
        return FAILED, traceback.format_exc()


def _read(document: Any, _proceed: Proceed) -> Mapping[str, Any]:
    """Whether a document is a question at all; raises as `question_of`."""
    question_of(document)
    return {}


def _question(asked: Any) -> Question:
    document, in_place, _, _ = asked
    return question_of(document).with_controls_in_place(in_place)


def _assessed(asked: Any, proceed: Proceed) -> Mapping[str, Any]:
    _, _, at, currency = asked
    found = assess(_question(asked), at, proceed)
    answer: dict[str, Any] = document_of(found)
    answer["sentence"] = sentence(found, currency)
    answer["control_sets"] = answer["control_sets"][:MOST_SETS]
    return answer


def _together(asked: Any, proceed: Proceed) -> Mapping[str, Any]:
    programs, probability = asked
    risks: dict[str, list[Risk]] = {}
    for name, one in programs.items():
        proceed()
        question = _question(one)
        risks[name] = [risk.scaled(question.exposure) for risk in question.risks()]
    proceed()
    whole = together(risks, probability)
    proceed()
    everything = [risk for each in risks.values() for risk in each]
    losses = _losses(whole.tail.expected_shortfall)
    return {
        "probability": probability,
        "quantile": whole.tail.quantile,
        "expected_shortfall": whole.tail.expected_shortfall,
        "mean": sum(one.expected_annual_loss for one in whole.contributions),
        "exceedance": [
            {"loss": float(loss), "probability": float(chance)}
            for loss, chance in zip(losses, curve(everything, losses), strict=True)
        ],
        "contributions": [
            {"program": one.name, "mean": one.expected_annual_loss, "tail": one.tail}
            for one in sorted(whole.contributions, key=lambda one: -one.tail)
        ],
    }


def _losses(shortfall: float) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    top = max(shortfall * 4.0, 1.0)
    return np.geomspace(top / 1_000.0, top, 40)


WORKS: Mapping[str, Callable[[Any, Proceed], Mapping[str, Any]]] = {
    "read": _read,
    "assess": _assessed,
    "portfolio": _together,
}
