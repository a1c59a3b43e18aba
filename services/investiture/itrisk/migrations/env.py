"""Lets the migration command work on this service's tables."""

from investiture.chassis.migration_env import run
from investiture.itrisk import estimates, profiles
from investiture.itrisk.store import METADATA

assert {estimates.ESTIMATE.metadata, profiles.PROFILE.metadata} == {METADATA}
run(METADATA)
