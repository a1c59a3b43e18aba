"""What changed between two charters, in lines that a person can read before signing."""

from collections.abc import Iterator, Mapping, Sequence
from typing import cast

from investiture.charter.model import Charter

_Plain = Mapping[str, object]


def diff(old: Charter, new: Charter) -> tuple[str, ...]:
    """Return one line a change: ``+`` added, ``-`` removed, ``~`` changed; none when equal.

    Entries with an id are compared by it wherever they stand; other lists by position.
    """
    if old.digest == new.digest:
        return ()
    before = cast(_Plain, old.model_dump(mode="json"))
    after = cast(_Plain, new.model_dump(mode="json"))
    lines = tuple(_changes("", before, after))
    return (f"~ digest: {old.digest} → {new.digest}", *lines)


def _changes(at: str, old: object, new: object) -> Iterator[str]:
    if old == new:
        return
    before, after = _parts(old), _parts(new)
    if before is None or after is None:
        yield f"~ {at}: {_shown(old)} → {_shown(new)}"
        return
    same_ids = [name for name in after if name in before]
    if same_ids != [name for name in before if name in after]:
        yield f"~ {at}: the order is now {', '.join(after)}"
    for name in dict.fromkeys((*before, *after)):
        here = f"{at}.{name}" if at and not name.startswith("[") else f"{at}{name}"
        if name not in after:
            yield f"- {here}: {_shown(before[name])}"
        elif name not in before:
            yield f"+ {here}: {_shown(after[name])}"
        else:
            yield from _changes(here, before[name], after[name])


def _parts(value: object) -> _Plain | None:
    """Return what a value consists of, by name; None where it is compared as a whole."""
    if isinstance(value, Mapping):
        return cast(_Plain, value)
    if not isinstance(value, Sequence) or isinstance(value, str):
        return None
    items = cast(Sequence[object], value)
    if not all(isinstance(item, Mapping) for item in items):
        return None
    entries = cast(Sequence[_Plain], items)
    names = [_name(entry) for entry in entries]
    if len(set(names)) < len(names):
        names = [str(place) for place in range(1, len(entries) + 1)]
    return dict(zip(names, entries, strict=True))


def _name(entry: _Plain) -> str:
    """Return what tells an entry from its neighbours: its id, or what it is about."""
    keys = (("id",), ("category", "from_minor"), ("audience", "channel"), ("level", "role"))
    for wanted in (*keys, ("unit",), ("loss_minor",)):
        if all(key in entry for key in wanted):
            return "[" + " ".join(str(entry[key]) for key in wanted) + "]"
    return "[" + _shown(entry) + "]"


def _shown(value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, Mapping):
        entry = cast(_Plain, value)
        return ", ".join(f"{name} {_shown(part)}" for name, part in entry.items())
    if isinstance(value, Sequence) and not isinstance(value, str):
        items = cast(Sequence[object], value)
        return "[" + ", ".join(_shown(item) for item in items) + "]"
    return str(value)
