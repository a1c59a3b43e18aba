"""Assessments in a process of their own: they never hold up the event loop, nor anybody's call.

The process is started by the first question and ends with the service. Equal questions, by their
digest, are answered from memory, and computed once where they come together. A computation that
nobody waits for any more, because who asked has gone or their deadline has passed, is ended: by
itself between two steps, else with its process.
"""

import asyncio
import json
import multiprocessing
import os
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from itertools import count
from typing import Any, cast

from investiture.chassis.call import Call
from investiture.chassis.clock import SystemClock
from investiture.chassis.refusal import FieldViolation, InvalidArgument, Unavailable
from investiture.itrisk import computed

Result = Mapping[str, Any]
"""The answer as plain values, see `quantification.report.document_of`."""

REMEMBERED = 256
"""Answers kept, some 10 KB each, 100 KB at the most."""
MOST_WAITING = 64
"""Computations that wait for their turn; who comes then is asked to come back."""
LONGEST_SECONDS = 30.0
SPARE_SECONDS = 0.2
"""Of a call's deadline: for the transaction after the computation."""
PATIENCE_SECONDS = 2.0
"""How long a computation that is given up may take to its next step; then its process ends."""

ONE_THREAD = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS")
"""Read when NumPy is imported: its matrix products would take every core from the calls beside them
(whose p99 rose threefold on two), and gain nothing at these sizes."""

_TRIES = 2
"""A process that was killed while it had no work is noticed by the first question after."""
_SPAWN = multiprocessing.get_context("spawn")  # gRPC does not survive a fork


def seconds_left(call: Call) -> float:
    """How long a computation may take for this call."""
    if call.deadline is None:
        return LONGEST_SECONDS
    left = (call.deadline - SystemClock().now()).total_seconds() - SPARE_SECONDS
    return max(0.0, min(left, LONGEST_SECONDS))


def digest_of(value: object) -> str:
    """SHA-256 over plain values, the same after any database has kept them.

    A JSON column may give 1e16 back as an integer and −0 as 0; here they are one number.
    """
    text = json.dumps(_plain(value), sort_keys=True, separators=(",", ":"), allow_nan=False)
    return sha256(text.encode()).hexdigest()


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        given = cast("Mapping[str, object]", value)
        return {key: _plain(one) for key, one in given.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(one) for one in cast("Sequence[object]", value)]
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value) + 0.0
    return value


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as plain values: a scenario file's document, and what of it is in place."""

    document: Mapping[str, Any]
    in_place: tuple[str, ...] = ()
    at: tuple[float, ...] = ()
    currency: str = ""

    @property
    def digest(self) -> str:
        """SHA-256 over everything that goes in; equal digests have equal answers."""
        return digest_of([self.document, sorted(self.in_place), self.at, self.currency])

    @property
    def plain(self) -> tuple[Any, ...]:
        """What the computing process gets of it."""
        return (dict(self.document), self.in_place, self.at, self.currency)


@dataclass(eq=False, slots=True)
class _Computation:
    number: int
    work: str
    asked: Any
    waiting: int = 0
    given_up: bool = False
    answer: "asyncio.Future[Result]" = field(init=False)


class _Process:
    def __init__(self, given_up: Any) -> None:
        for name in ONE_THREAD:
            os.environ.setdefault(name, "1")  # the process inherits it
        self.questions, theirs = _SPAWN.Pipe()
        self._process = _SPAWN.Process(
            target=computed.serve, args=(theirs, given_up), name="itrisk-computing", daemon=True
        )
        self._process.start()
        theirs.close()

    @property
    def pid(self) -> int:
        return self._process.pid or 0

    def kill(self) -> None:
        self._process.kill()

    def end(self) -> None:
        self._process.kill()
        self._process.join()
        self.questions.close()


class Computer:
    """Answers questions in its own process, one after the other."""

    def __init__(self) -> None:
        self._given_up = _SPAWN.RawValue("Q", 0)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="computing")
        self._numbers = count(1)
        self._under_way: dict[str, _Computation] = {}
        self._remembered: OrderedDict[str, Result] = OrderedDict()
        self._process: _Process | None = None
        self._running: _Computation | None = None
        self._closed = False
        self.begun = 0
        """Computations that went to the process."""

    @property
    def pid(self) -> int:
        """The computing process; 0 before the first question."""
        return self._process.pid if self._process is not None else 0

    @property
    def busy(self) -> bool:
        """Whether something is being computed, whoever waits for it."""
        return self._running is not None

    async def check(self, document: Mapping[str, Any], seconds: float = LONGEST_SECONDS) -> None:
        """Raises InvalidArgument as `quantification.document.question_of` does."""
        await self._answer(f"read {digest_of(document)}", "read", dict(document), seconds)

    async def assess(self, asked: Asked, seconds: float = LONGEST_SECONDS) -> Result:
        """The assessment of a question.

        Raises InvalidArgument as `question_of` does, and Unavailable where it took longer than
        `seconds` or the computing process died over it, twice.
        """
        return await self._answer(asked.digest, "assess", asked.plain, seconds)

    async def portfolio(
        self, programs: Mapping[str, Asked], probability: float, seconds: float = LONGEST_SECONDS
    ) -> Result:
        """All programs together: see `quantification.portfolio`. Raises as `assess`."""
        digest = digest_of([probability, {name: one.digest for name, one in programs.items()}])
        asked = ({name: one.plain for name, one in programs.items()}, probability)
        return await self._answer(digest, "portfolio", asked, seconds)

    def close(self) -> None:
        """End the process and what it computes."""
        self._closed = True
        if self._process is not None:
            self._process.kill()
        self._thread.shutdown(wait=True, cancel_futures=True)
        if self._process is not None:
            self._process.end()
            self._process = None

    async def _answer(self, digest: str, work: str, asked: Any, seconds: float) -> Result:
        found = self._remembered.get(digest)
        if found is not None:
            self._remembered.move_to_end(digest)
            return found
        computation = self._under_way.get(digest) or self._begin(digest, work, asked)
        computation.waiting += 1
        try:
            async with asyncio.timeout(seconds):
                return await asyncio.shield(computation.answer)
        except computed.GivenUp:
            raise Unavailable("the service is stopping; ask again in some seconds") from None
        except TimeoutError:
            raise Unavailable(
                "the computation took longer than its deadline; ask with a later one, or with "
                "fewer scenarios or controls"
            ) from None
        finally:
            computation.waiting -= 1
            if not computation.waiting and not computation.answer.done():
                self._give_up(digest, computation)

    def _begin(self, digest: str, work: str, asked: Any) -> _Computation:
        if self._closed or len(self._under_way) >= MOST_WAITING:
            raise Unavailable(
                f"{MOST_WAITING} computations wait already; ask again in some seconds"
                if not self._closed
                else "the service is stopping; ask again in some seconds"
            )
        computation = _Computation(next(self._numbers), work, asked)
        loop = asyncio.get_running_loop()
        computation.answer = loop.run_in_executor(self._thread, self._exchange, computation)
        computation.answer.add_done_callback(partial(self._ended, digest, computation))
        self._under_way[digest] = computation
        return computation

    def _ended(
        self, digest: str, computation: _Computation, answer: "asyncio.Future[Result]"
    ) -> None:
        if self._under_way.get(digest) is computation:
            del self._under_way[digest]
        if answer.cancelled() or answer.exception() is not None:
            return
        self._remembered[digest] = answer.result()
        while len(self._remembered) > REMEMBERED:
            self._remembered.popitem(last=False)

    def _give_up(self, digest: str, computation: _Computation) -> None:
        if self._under_way.get(digest) is computation:
            del self._under_way[digest]
        computation.given_up = True  # before who runs is looked at: the thread looks the other way
        if self._running is computation:
            self._given_up.value = computation.number
            loop = asyncio.get_running_loop()
            loop.call_later(PATIENCE_SECONDS, self._kill_if_running, computation)

    def _kill_if_running(self, computation: _Computation) -> None:
        if self._running is computation and self._process is not None:
            self._process.kill()

    def _exchange(self, computation: _Computation) -> Result:
        """In the thread: send the question and wait for the answer."""
        self._running = computation
        try:
            for _ in range(_TRIES):
                if computation.given_up or self._closed:
                    raise computed.GivenUp
                reply = self._replied(computation)
                if reply is not None:
                    return _answer_of(*reply)
            raise Unavailable(
                f"the computing process died {_TRIES} times over this; ask for less at once"
            )
        finally:
            self._running = None

    def _replied(self, computation: _Computation) -> tuple[int, Any] | None:
        """What the process says; None where it died."""
        process = self._living()
        self.begun += 1
        try:
            process.questions.send((computation.number, computation.work, computation.asked))
            kind, content = process.questions.recv()
        except (EOFError, OSError):
            process.end()
            self._process = None
            return None
        return kind, content

    def _living(self) -> _Process:
        if self._process is None:
            self._process = _Process(self._given_up)
            if self._closed:
                self._process.kill()
        return self._process


def _answer_of(kind: int, content: Any) -> Result:
    if kind == computed.ANSWERED:
        answer: Result = content
        return answer
    if kind == computed.REFUSED:
        raise InvalidArgument(violations=[FieldViolation(*one) for one in content])
    if kind == computed.GIVEN_UP:
        raise computed.GivenUp
    if kind == computed.TOO_LARGE:
        raise Unavailable("the computation needs more memory than there is; ask for less at once")
    raise RuntimeError(f"the computation failed: {content}")
