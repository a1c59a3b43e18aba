"""What the handlers of the launch service work with."""

from dataclasses import dataclass

from investiture.casework.directory import Directory
from investiture.casework.statements import Statements
from investiture.chassis.pagination import Pager
from investiture.chassis.transaction import Mutations
from investiture.launch.operations.conduct import ConductOperations
from investiture.launch.operations.path import PathOperations
from investiture.launch.operations.programs import ProgramOperations
from investiture.launch.operations.stages import StageOperations
from investiture.launch.watching import Watchers


@dataclass(frozen=True, slots=True)
class Rooms:
    """The operations of each room, and what every handler needs beside them."""

    programs: ProgramOperations
    path: PathOperations
    stages: StageOperations
    conduct: ConductOperations
    mutations: Mutations
    statements: Statements
    directory: Directory
    pager: Pager
    watchers: Watchers


class Handlers:
    """A part of LaunchService."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms
        self._mutations = rooms.mutations
