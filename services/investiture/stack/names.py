"""What the parts of a stack are called."""

from typing import Final

SERVICES: Final = ("sponsorship", "budget", "itrisk", "launch")
TEMPORAL: Final = "temporal"
WORKER: Final = "worker"
UI: Final = "ui"
DATA: Final = "data"
"""Databases and their first content, where it is told of them."""
