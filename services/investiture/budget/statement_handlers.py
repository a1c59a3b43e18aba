"""The statement of an envelope or a program: proto in, store, proto out."""

from datetime import datetime

from investiture.api.budget.v1 import budget_service_pb2 as pb
from investiture.budget import messages
from investiture.budget.statement_store import Line, StatementStore
from investiture.casework import wire
from investiture.chassis.call import Call
from investiture.chassis.pagination import Pager
from investiture.chassis.refusal import InvalidArgument
from investiture.chassis.transaction import Mutations, Transaction


class StatementHandlers:
    """Answers statements; every page of one shows the same span of the ledger."""

    def __init__(self, statements: StatementStore, mutations: Mutations, pager: Pager) -> None:
        self._statements = statements
        self._mutations = mutations
        self._pager = pager

    async def GetStatement(self, request: pb.GetStatementRequest, call: Call) -> pb.Statement:
        """Balances at two instants and a page of the entries between them."""
        page = self._pager.open(request)

        def unit(tx: Transaction) -> pb.Statement:
            since, until, at = self._span(tx, request)
            after = since
            if page.after is not None:  # the span of the first page, whatever was posted since
                after, since, until = (int(part) for part in page.after[:3])
                at = datetime.fromisoformat(str(page.after[3]))
            reading = self._statements.read(tx, request.name, since, until, at)

            def key(row: Line) -> tuple[int, int, int, str]:
                return row.entry.sequence, since, until, at.isoformat()

            rows = self._statements.lines(tx, reading, after, page.limit)
            shown, token = page.cut(rows, key)
            return messages.statement(reading, shown, token)

        return await self._mutations.read(call, unit)

    def _span(self, tx: Transaction, request: pb.GetStatementRequest) -> tuple[int, int, datetime]:
        at = wire.instant(request, "at") or tx.now
        since = wire.instant(request, "since")
        if at > tx.now:
            raise InvalidArgument.of(
                "at", f"{at.isoformat()} is still to come; leave it out for a statement of now"
            )
        if since is not None and since > at:
            raise InvalidArgument.of("since", "the statement would end before it begins")
        first = 0 if since is None else self._statements.place(tx, since)
        return first, self._statements.place(tx, at), at
