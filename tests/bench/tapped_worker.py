"""The real worker with a tap on it: `python -m tests.bench.tapped_worker`."""

import os
import sys
from functools import partial

from tests.bench.tap import VARIABLE, Tap

from investiture.chassis import temporal
from investiture.chassis.process import run
from investiture.workflows.__main__ import WorkerSettings, build

if __name__ == "__main__":
    tapped = partial(build, interceptors=[Tap(int(os.environ[VARIABLE]))])
    sys.exit(run("worker", WorkerSettings, tapped, make_provider=temporal.replay_safe_provider))
