"""Assessments in a process of their own: they never hold up the event loop, nor anybody's call.

The process is started by the first question and ends with the service. Equal questions, by their
digest, are answered from memory; who gives up, or whose deadline has passed, ends the computation
within a second.
"""

import asyncio
import json
import multiprocessing
import os
import signal
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from hashlib import sha256
from multiprocessing.sharedctypes import RawArray
from typing import Any

import numpy as np

from investiture.chassis.call import Call
from investiture.chassis.clock import SystemClock
from investiture.chassis.refusal import Unavailable
from investiture.itrisk.quantification.assessment import assess
from investiture.itrisk.quantification.compound import Risk
from investiture.itrisk.quantification.document import question_of
from investiture.itrisk.quantification.portfolio import together
from investiture.itrisk.quantification.quantiles import curve
from investiture.itrisk.quantification.report import document_of

Result = Mapping[str, Any]
"""The answer as plain values, see `quantification.report.document_of`."""

REMEMBERED = 256
"""Answers kept, some 10 KB each."""
PLACES = 64
"""Computations that may wait or run at once; further ones wait for a place."""
LONGEST_SECONDS = 30.0
NICENESS = 5
SPARE_SECONDS = 0.2
"""Of a call's deadline: for the transaction after the computation."""

_given_up: Any = None
"""In the computing process: one byte a place, set by the service where the caller gave up."""


def seconds_left(call: Call) -> float:
    """How long a computation may take for this call."""
    if call.deadline is None:
        return LONGEST_SECONDS
    left = (call.deadline - SystemClock().now()).total_seconds() - SPARE_SECONDS
    return max(0.0, min(left, LONGEST_SECONDS))


class GivenUp(Exception):
    """Nobody waits for the answer any more."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as plain values: a scenario file's document, and what of it is in place."""

    document: Mapping[str, Any]
    in_place: tuple[str, ...] = ()
    at: tuple[float, ...] = ()

    @property
    def digest(self) -> str:
        """SHA-256 over everything that goes in; equal digests have equal answers."""
        whole = [self.document, sorted(self.in_place), list(self.at)]
        text = json.dumps(whole, sort_keys=True, separators=(",", ":"), allow_nan=False)
        return sha256(text.encode()).hexdigest()


class Computer:
    """Answers questions in its own process."""

    def __init__(self) -> None:
        self._given_up = RawArray("b", PLACES)
        self._pool: ProcessPoolExecutor | None = None
        self._free = list(range(PLACES))
        self._places = asyncio.Semaphore(PLACES)
        self._remembered: OrderedDict[str, Result] = OrderedDict()

    async def assess(self, asked: Asked, seconds: float = LONGEST_SECONDS) -> Result:
        """The assessment of a question.

        Raises InvalidArgument as `question_of` does, and Unavailable where it took longer than
        `seconds` or the computing process died.
        """
        digest = asked.digest
        found = self._remembered.get(digest)
        if found is None:
            found = await self._run(_assessed, asked, seconds)
            self._remember(digest, found)
        else:
            self._remembered.move_to_end(digest)
        return found

    async def portfolio(
        self, programs: Mapping[str, Asked], probability: float, seconds: float = LONGEST_SECONDS
    ) -> Result:
        """All programs together: see `quantification.portfolio`."""
        key = sha256(
            json.dumps([probability, {name: one.digest for name, one in programs.items()}]).encode()
        ).hexdigest()
        found = self._remembered.get(key)
        if found is None:
            found = await self._run(_together, (dict(programs), probability), seconds)
            self._remember(key, found)
        return found

    def close(self) -> None:
        """End the process; what it computes is given up."""
        for place in range(PLACES):
            self._given_up[place] = 1
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None

    async def _run(
        self, work: Callable[[Any, int, float], Result], asked: Any, seconds: float
    ) -> Result:
        async with self._places:
            place = self._free.pop()
            self._given_up[place] = 0
            until = time.monotonic() + min(seconds, LONGEST_SECONDS)
            try:
                return await asyncio.wrap_future(self._process().submit(work, asked, place, until))
            except asyncio.CancelledError:
                self._given_up[place] = 1
                raise
            except GivenUp:
                raise Unavailable(
                    "the computation took longer than its deadline; ask with a later one, or with "
                    "fewer scenarios or controls"
                ) from None
            except BrokenProcessPool:
                self._pool = None
                raise Unavailable(
                    "the computation was interrupted; it is begun anew with the next call"
                ) from None
            finally:
                self._free.append(place)

    def _process(self) -> ProcessPoolExecutor:
        if self._pool is None:
            self._pool = ProcessPoolExecutor(
                1,
                mp_context=multiprocessing.get_context("spawn"),  # gRPC does not survive a fork
                initializer=_begin,
                initargs=(self._given_up,),
            )
        return self._pool

    def _remember(self, digest: str, answer: Result) -> None:
        self._remembered[digest] = answer
        while len(self._remembered) > REMEMBERED:
            self._remembered.popitem(last=False)


def _begin(given_up: Any) -> None:
    global _given_up  # noqa: PLW0603 - what an initialiser leaves for the work of its process
    _given_up = given_up
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the service's to handle
    os.nice(NICENESS)


def _proceed(place: int, until: float) -> Callable[[], None]:
    def proceed() -> None:
        if _given_up[place] or time.monotonic() > until:
            raise GivenUp

    return proceed


def _assessed(asked: Asked, place: int, until: float) -> Result:
    proceed = _proceed(place, until)
    proceed()
    question = question_of(asked.document).with_controls_in_place(asked.in_place)
    return document_of(assess(question, asked.at, proceed))


def _together(asked: tuple[Mapping[str, Asked], float], place: int, until: float) -> Result:
    programs, probability = asked
    proceed = _proceed(place, until)
    proceed()
    risks: dict[str, list[Risk]] = {}
    for name, one in programs.items():
        question = question_of(one.document).with_controls_in_place(one.in_place)
        risks[name] = [risk.scaled(question.exposure) for risk in question.risks()]
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
