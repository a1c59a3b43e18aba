"""The directory as sponsorship's own CaseService asks it: in this process, in a read of its own."""

from investiture.casework.facts import Authority
from investiture.casework.words import Purpose
from investiture.chassis.call import Call, Principal
from investiture.chassis.transaction import Mutations
from investiture.sponsorship.operations.directory import DirectoryOperations

_ITSELF = Call(
    principal=Principal("workloads/sponsorship", frozenset({"service"})),
    method="/investiture.api.sponsorship.v1.SponsorshipService/ResolveAuthority",
)


class OwnDirectory:
    """Answers as the other services are answered over the wire."""

    def __init__(self, directory: DirectoryOperations, mutations: Mutations) -> None:
        self._directory = directory
        self._mutations = mutations

    async def resolve(self, person: str, purpose: Purpose, on_behalf_of: str = "") -> Authority:
        """The person's authority; NOT_FOUND for nobody."""
        return await self._mutations.read(
            _ITSELF, lambda tx: self._directory.resolve(tx, person, purpose, on_behalf_of)
        )
