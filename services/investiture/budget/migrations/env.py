"""Lets the migration command work on this service's tables."""

from investiture.budget.tables import METADATA
from investiture.chassis.migration_env import run

run(METADATA)
