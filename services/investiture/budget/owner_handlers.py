"""Who owns an envelope: proto in, operation, proto out."""

from investiture.api.budget.v1 import budget_service_pb2 as pb
from investiture.budget import messages
from investiture.budget.owners import OwnerOperations, require_owner
from investiture.casework.directory import Directory
from investiture.chassis.call import Call
from investiture.chassis.transaction import Mutations


class OwnerHandlers:
    """Names another owner of an envelope, whom the directory knows as able."""

    def __init__(self, owners: OwnerOperations, mutations: Mutations, directory: Directory) -> None:
        self._owners = owners
        self._mutations = mutations
        self._directory = directory

    async def ChangeEnvelopeOwner(
        self, request: pb.ChangeEnvelopeOwnerRequest, call: Call
    ) -> pb.Envelope:
        """Names another owner of an envelope."""
        await require_owner(self._directory, request.owner)
        return await self._mutations.run(
            call,
            request,
            lambda tx: messages.envelope(
                self._owners.change(tx, request.name, request.etag, request.owner, request.reason)
            ),
        )
