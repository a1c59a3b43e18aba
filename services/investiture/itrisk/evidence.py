"""Which inherent estimates a new version of a profile lowers: a reviewer shows evidence for it."""

from collections.abc import Iterator, Mapping
from typing import Any

from investiture.itrisk.quantification.document import question_of

EXACT = 1e-9
"""Means that differ by less than this share are the same: they were written differently."""


def lowered(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[str, ...]:
    """What `after` has lower than `before`, in words: events a year, the mean loss of an event.

    A scenario that is gone is lowered to nothing.
    """
    return tuple(_lowered(before, after))


def _lowered(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    now = {one.name: one for one in question_of(after).scenarios}
    for old in question_of(before).scenarios:
        new = now.get(old.name)
        if new is None:
            yield f"{old.name} is left out"
            continue
        for what, was, is_ in (
            ("events a year", old.rate.mean, new.rate.mean),
            ("mean loss of an event", old.severity.mean, new.severity.mean),
        ):
            if is_ < was * (1.0 - EXACT):
                yield f"{old.name}: {what} from {was:,.4g} to {is_:,.4g}"
