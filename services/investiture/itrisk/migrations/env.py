"""Lets the migration command work on this service's tables."""

from investiture.chassis.migration_env import run
from investiture.itrisk import (
    acceptance_store,
    calibration,
    duty_store,
    estimates,
    graces,
    profiles,
)
from investiture.itrisk.store import METADATA

TABLES = (acceptance_store, calibration, duty_store, estimates, graces, profiles)
"""Modules that add tables of their own to the metadata as they are imported."""

run(METADATA)
