"""The trial lane in tests: the default charter with one standing decision, and a program for it."""

from datetime import date
from pathlib import Path
from typing import Any

import yaml
from tests.support.facts import revision
from tests.support.services import CHARTER

from investiture.casework.facts import Revision
from investiture.charter.policy import StandingDecision

SARA, FAY, INES, BEN = "people/sara", "people/fay", "people/ines", "people/ben"
SMALL = "small-trials"
FROM, EXPIRES = date(2027, 1, 1), date(2027, 12, 1)
_TEXT: dict[str, Any] = {
    "id": SMALL,
    "name": "Small trials",
    "signers": {"sponsor": SARA, "fund_owner": FAY, "knight": INES},
    "valid_from": FROM.isoformat(),
    "expires": EXPIRES.isoformat(),
    "caps": {
        "people": 50,
        "amount_minor": 2_000_00,
        "exposure_bps": 100,
        "duration": "P14D",
        "concurrent": 1,
    },
    "audiences": ["customers"],
    "channels": ["support-portal"],
    "data_classes": ["public"],
    "categories": ["opex"],
}


def decision(**changes: Any) -> StandingDecision:
    """The standing decision, with caps and other fields changed by their names."""
    return StandingDecision.model_validate(_changed(changes))


def _changed(changes: dict[str, Any]) -> dict[str, Any]:
    caps = {name: changes.pop(name) for name in tuple(changes) if name in _TEXT["caps"]}
    return {**_TEXT, **changes, "caps": {**_TEXT["caps"], **caps}}


def lane_document(version: int = 1, **changes: Any) -> str:
    """The default charter's text with the standing decision."""
    text, block = CHARTER.read_text(), yaml.safe_dump([_changed(changes)], sort_keys=False)
    none = "standing_decisions: []\n"
    assert none in text
    text = text.replace("version: 1\n", f"version: {version}\n", 1)
    return text.replace(none, f"standing_decisions:\n{block}")


def lane_charter(folder: Path, **changes: Any) -> Path:
    """The same as a file."""
    file = folder / "lane.yaml"
    file.write_text(lane_document(**changes))
    return file


def small(number: int = 1, **changes: Any) -> Revision:
    """Ben's trial, sponsored by Sara: at every cap of the decision, beyond none."""
    values: dict[str, Any] = {
        "program": "programs/trial",
        "proposer": BEN,
        "sponsor": SARA,
        "benefit_owners": (SARA,),
        "audiences": ("customers",),
        "channels": ("support-portal",),
        "data_classes": ("public",),
        "amount_minor": 2_000_00,
        "trial_minor": 2_000_00,
        "exposure_bps": 100,
        "envelope": "envelopes/launches-2027",
        "pilot_people": 50,
        "pilot_days": 14,
        **changes,
    }
    return revision(number, **values)
