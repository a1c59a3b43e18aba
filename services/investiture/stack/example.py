"""Where the example files are: in the checkout, or beside this package in an installed wheel."""

from pathlib import Path

from investiture.stack.failures import ExampleMissing

PEOPLE = "examples/people.yaml"
ENVELOPES = "examples/envelopes.yaml"


def example(name: str) -> Path:
    """Return ``charters/….yaml`` or ``examples/….yaml`` of the deploy folder.

    Raises:
        ExampleMissing: it is neither in a checkout nor in the package.
    """
    here = Path(__file__).resolve().parent
    for folder in (here.parents[2] / "deploy", here / "deploy"):
        if (folder / name).is_file():
            return folder / name
    raise ExampleMissing(name)
