"""The import of appropriations: a file in parts, checked as a whole, applied at once."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from hashlib import sha256

from investiture.api.budget.v1 import budget_service_pb2 as pb
from investiture.budget import appropriations
from investiture.budget.appropriations import File
from investiture.budget.importing import ImportOperations, Outcome
from investiture.budget.owners import unable
from investiture.casework.directory import Directory
from investiture.casework.money import to_money
from investiture.chassis.call import Call
from investiture.chassis.refusal import InvalidArgument
from investiture.chassis.transaction import Mutations, Transaction

MAX_BYTES = 32 * 1024 * 1024
MAX_ERRORS = 1_000
MAX_OWNERS = 5_000


class ImportHandlers:
    """Gathers the parts of a file, reads it off the event loop and imports it."""

    def __init__(
        self, imports: ImportOperations, mutations: Mutations, directory: Directory
    ) -> None:
        self._imports = imports
        self._mutations = mutations
        self._directory = directory

    async def ImportAppropriations(
        self, parts: AsyncIterator[pb.ImportAppropriationsRequest], call: Call
    ) -> pb.ImportAppropriationsResponse:
        """Imports a file, or says what an import would do.

        The digest of the first part stands for the whole file: the request's id is bound to it.
        """
        first, content = await _gathered(parts)
        file = await asyncio.to_thread(appropriations.read, content)
        gone = await self._gone(file)

        def unit(tx: Transaction) -> pb.ImportAppropriationsResponse:
            act = self._imports.check if first.validate_only else self._imports.run
            return _answer(act(tx, file, first.digest, gone))

        return await self._mutations.run(call, first, unit)

    async def _gone(self, file: File) -> Mapping[str, str]:
        named = {line.owner for line in file.lines if line.owner}
        if len(named) > MAX_OWNERS:
            raise InvalidArgument.of(
                "content",
                f"the file names {len(named)} owners; at most {MAX_OWNERS} are asked after at "
                "once: split the file",
            )
        return await unable(self._directory, named)


async def _gathered(
    parts: AsyncIterator[pb.ImportAppropriationsRequest],
) -> tuple[pb.ImportAppropriationsRequest, bytes]:
    """The first part without its content, and the whole content, of the digest it says."""
    first: pb.ImportAppropriationsRequest | None = None
    content = bytearray()
    async for part in parts:
        content += part.content
        if len(content) > MAX_BYTES:
            raise InvalidArgument.of(
                "content", f"the file is over {MAX_BYTES // 2**20} MiB: split it"
            )
        if first is None:
            part.ClearField("content")
            first = part
    if first is None or not first.digest:
        raise InvalidArgument.of("digest", "the first part says the SHA-256 of the whole file")
    found = f"sha256:{sha256(content).hexdigest()}"
    if found != first.digest:
        raise InvalidArgument.of(
            "digest", f"what came has {found}, not {first.digest}: send the whole file again"
        )
    return first, bytes(content)


def _answer(outcome: Outcome) -> pb.ImportAppropriationsResponse:
    shown = outcome.errors[:MAX_ERRORS]
    return pb.ImportAppropriationsResponse(
        digest=outcome.digest,
        lines=outcome.lines,
        issued=outcome.issued,
        supplemented=outcome.supplemented,
        totals=[to_money(total) for total in outcome.totals],
        errors=[
            pb.LineError(
                line=error.line, column=error.column, problem=error.problem, remedy=error.remedy
            )
            for error in shown
        ],
        error_count=len(outcome.errors),
    )
