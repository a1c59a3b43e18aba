"""What pyfair takes, run by a Python that has it: prints seconds and the 99th percentile."""

import importlib
import sys
import time
from typing import Any


def main() -> None:
    """Compute scenario X as pyfair does: one severity a year times the frequency."""
    trials = int(sys.argv[1])
    pyfair: Any = importlib.import_module("pyfair")  # of a venv of its own
    began = time.perf_counter()
    model: Any = pyfair.FairModel(name="scenario X", n_simulations=trials)
    model.input_data("Loss Event Frequency", low=0.1, mode=0.5, high=2.0)
    model.input_data("Primary Loss", low=50_000, mode=150_000, high=900_000)
    model.input_data("Secondary Loss Event Frequency", constant=0.3)
    model.input_data("Secondary Loss Event Magnitude", low=100_000, mode=500_000, high=3_000_000)
    model.calculate_all()
    worst = float(model.export_results()["Risk"].quantile(0.99))
    print(time.perf_counter() - began, worst)


main()
