"""What was tried in the walks, counted."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class Tally:
    """What was tried, over all programs."""

    attempts: int = 0
    done: int = 0
    rehearsed: int = 0
    delegated: int = 0
    refused: Counter[str] = field(default_factory=Counter[str])
    launched: int = 0
    late: int = 0
    """Warrants that launch refused: a decider of money or IT has pledged since."""
    barred: int = 0
    """Programs that stood still because nobody was left who might decide, or a side was taken."""
    declared: int = 0
    """Emergencies."""
    blocked: int = 0
    """Emergencies refused to their proposer while the team was owed a review."""
    provisional: Counter[str] = field(default_factory=Counter[str])
    """Provisional decisions of two people, by gate."""
    replaced: int = 0
    """Provisional decisions whose place the ordinary one took while they stood."""
    ran_out: int = 0
    """Provisional decisions that gave a warrant until their last microsecond, and none after it."""
    provisionally_launched: int = 0
    """Programs that launch took with at least one provisional warrant."""
    reviewed: int = 0
    """Reviews of emergencies that somebody closed."""
