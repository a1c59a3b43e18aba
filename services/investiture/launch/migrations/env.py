"""Lets the migration command work on this service's tables."""

from investiture.chassis.migration_env import run
from investiture.launch.store import METADATA

run(METADATA)
