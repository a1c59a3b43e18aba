"""Lets the migration command work on this service's tables."""

from investiture.chassis.migration_env import run
from investiture.sponsorship.store.tables import METADATA

run(METADATA)
