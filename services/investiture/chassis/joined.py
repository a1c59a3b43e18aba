"""One service answered by several objects: each holds the RPCs of one concern."""

from types import SimpleNamespace


def joined(*handlers: object) -> object:
    """Return an object with the public methods of all of them, to bind as one service.

    Raises:
        ValueError: two of them have a method of the same name.
    """
    methods: dict[str, object] = {}
    for one in handlers:
        for name in (name for name in dir(one) if not name.startswith("_")):
            if name in methods:
                raise ValueError(f"{type(one).__name__}.{name}: another one answers it already")
            methods[name] = getattr(one, name)
    return SimpleNamespace(**methods)
