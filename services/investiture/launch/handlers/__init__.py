"""LaunchService: proto in, operation, proto out."""

from investiture.launch.handlers.conduct import ConductHandlers
from investiture.launch.handlers.path import PathHandlers
from investiture.launch.handlers.programs import ProgramHandlers
from investiture.launch.handlers.rooms import Rooms
from investiture.launch.handlers.stages import StageHandlers

SERVICE = "investiture.api.launch.v1.LaunchService"


class LaunchHandlers(ProgramHandlers, PathHandlers, StageHandlers, ConductHandlers):
    """Everything that LaunchService answers."""


__all__ = ["SERVICE", "LaunchHandlers", "Rooms"]
