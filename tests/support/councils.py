"""The charter of Halden with committees: sales and PR answer by one, a board stands above all."""

from pathlib import Path

from tests.support.services import CHARTER

COUNCIL = (
    "people/vera",
    "people/viktor",
    "people/nora",
    "people/nils",
    "people/mira",
    "people/max",
    "people/pia",
)
"""Seven seats for sales, a strict majority; Vera chairs it, the second Tuesday of each month."""
PRESS = ("people/paul", "people/pia", "people/hugo", "people/luis")
"""Four seats for PR, whose chair decides a tie."""
BOARD = ("people/lena", "people/hana", "people/otto")
"""Above the top of the house."""

_COMMITTEES = f"""
committees:
  - id: council
    name: Sales council
    seats: [{", ".join(COUNCIL)}]
    chair: people/vera
    meets: {{calendar: us-federal, every: second tuesday}}
  - id: press
    name: Press circle
    seats: [{", ".join(PRESS)}]
    chair: people/paul
    tie: chair
    floor: 1
    meets: {{calendar: berlin, every: last thursday}}
  - id: board
    name: Board
    seats: [{", ".join(BOARD)}]
    chair: people/lena
    meets: {{calendar: us-federal, every: first monday}}
"""


def council_charter(folder: Path, *, oversight: bool = True, countersigner: str = "") -> Path:
    """Write the charter into a folder."""
    text = CHARTER.read_text(encoding="utf-8") + _COMMITTEES
    for unit, committee in (("sales", "council"), ("pr", "press")):
        head = f"  - id: {unit}\n"
        assert text.count(head) == 1
        text = text.replace(head, f"{head}    committee: {committee}\n")
    if oversight:
        text += "oversight: board\n"
    if countersigner:
        text += f"countersigner: {countersigner}\n"
    file = folder / "council.yaml"
    file.write_text(text, encoding="utf-8")
    return file
