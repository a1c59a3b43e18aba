"""GovernanceService: changes that two people sign; proto in, operation, proto out."""

from investiture.api.governance.v1 import governance_service_pb2 as pb
from investiture.casework import wire
from investiture.casework.statements import SignedChange, Statements
from investiture.casework.vocabulary import Vocabulary
from investiture.chassis.call import Call
from investiture.chassis.pagination import Pager
from investiture.chassis.transaction import Mutations, Transaction
from investiture.sponsorship.domain.changes import Change, ChangeKind, ChangeState
from investiture.sponsorship.operations.changes import ChangeOperations
from investiture.sponsorship.wire import given_instant

SERVICE = "investiture.api.governance.v1.GovernanceService"

KINDS = Vocabulary(ChangeKind, pb.ChangeKind.Value, "CHANGE_KIND_", pb.CHANGE_KIND_UNSPECIFIED)
STATES = Vocabulary(ChangeState, pb.ChangeState.Value, "CHANGE_STATE_", pb.CHANGE_STATE_UNSPECIFIED)


class GovernanceHandlers:
    """Changes of the charter and of the directory over gRPC."""

    def __init__(
        self, changes: ChangeOperations, mutations: Mutations, statements: Statements, pager: Pager
    ) -> None:
        self._changes = changes
        self._mutations = mutations
        self._statements = statements
        self._pager = pager

    async def ProposeCharter(self, request: pb.ProposeCharterRequest, call: Call) -> pb.Change:
        """Proposes a charter."""
        effective_at = given_instant(request, "effective_at")
        return await self._mutations.run(
            call,
            request,
            lambda tx: self._message(
                self._changes.propose_charter(tx, request.document, request.reason, effective_at)
            ),
        )

    async def ApproveChange(self, request: pb.ApproveChangeRequest, call: Call) -> pb.Change:
        """Signs a change as its second person."""
        return await self._mutations.run(
            call,
            request,
            lambda tx: self._message(
                self._changes.approve(tx, request.name, request.etag, request.comment)
            ),
        )

    async def DeclineChange(self, request: pb.DeclineChangeRequest, call: Call) -> pb.Change:
        """Ends a change."""
        return await self._mutations.run(
            call,
            request,
            lambda tx: self._message(
                self._changes.decline(tx, request.name, request.etag, request.reason)
            ),
        )

    async def GetChange(self, request: pb.GetChangeRequest, call: Call) -> pb.Change:
        """Reads a change with its text."""
        return await self._mutations.read(
            call, lambda tx: self._message(self._changes.read(tx, request.name), whole=True)
        )

    async def ListChanges(
        self, request: pb.ListChangesRequest, call: Call
    ) -> pb.ListChangesResponse:
        """Lists changes, the newest first."""
        page = self._pager.open(request)
        before = int(page.after[0]) if page.after else None
        kind, state = KINDS.maybe(request.kind), STATES.maybe(request.state)

        def unit(tx: Transaction) -> pb.ListChangesResponse:
            rows = self._changes.page(tx, kind, state, before, page.limit)
            shown, token = page.cut(rows, lambda one: (one.number,))
            return pb.ListChangesResponse(
                changes=[self._message(one) for one in shown], next_page_token=token
            )

        return await self._mutations.read(call, unit)

    async def GetCharter(self, request: pb.GetCharterRequest, call: Call) -> pb.Charter:
        """Reads a charter."""

        def unit(tx: Transaction) -> pb.Charter:
            record, in_force = self._changes.charter(tx, request.digest)
            return pb.Charter(
                digest=record.digest,
                document=record.document,
                since=wire.stamp(record.since),
                change=record.change,
                in_force=in_force,
            )

        return await self._mutations.read(call, unit)

    def _message(self, change: Change, *, whole: bool = False) -> pb.Change:
        charter = change.kind is ChangeKind.CHARTER
        return pb.Change(
            name=change.name,
            kind=KINDS.to(change.kind),
            state=STATES.to(change.state),
            proposer=change.proposer,
            reason=change.reason,
            proposed_at=wire.stamp(change.proposed_at),
            effective_at=wire.stamp(change.effective_at),
            decided_by=change.decided_by,
            decided_at=wire.stamp(change.decided_at),
            comment=change.comment,
            took_effect_at=wire.stamp(change.took_effect_at),
            digest=change.digest,
            differences=change.differences,
            gaining=change.gaining,
            document=change.document if whole and charter else "",
            failure=change.failure,
            etag=change.etag,
            statement=self._signed(change),
        )

    def _signed(self, change: Change) -> str:
        signed = change.state in (ChangeState.APPROVED, ChangeState.EFFECTIVE)
        if not signed or change.decided_at is None or change.effective_at is None:
            return ""
        return self._statements.change(
            SignedChange(
                change=change.name,
                kind=change.kind.value,
                digest=change.digest,
                proposer=change.proposer,
                approver=change.decided_by,
                approved_at=change.decided_at,
                effective_at=change.effective_at,
            )
        )
