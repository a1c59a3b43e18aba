"""What `make bench` starts; see command.py."""

import sys
from pathlib import Path

# Started as a file, so that its own folder is where imports begin; they begin at the root.
sys.path[0] = str(Path(__file__).resolve().parents[2])

from tests.bench.command import main  # noqa: E402 - it needs the path above

if __name__ == "__main__":
    sys.exit(main())
