"""The options every command shares, accepted before and after its name."""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from typer.core import TyperGroup, TyperOption


@dataclass(frozen=True, slots=True)
class Shared:
    """What the shared options say."""

    data: Path
    person: str = ""
    roles: tuple[str, ...] = ()
    token_file: Path | None = None
    json: bool = False
    dry_run: bool = False
    etag: str = ""
    request_id: str = ""
    addresses: Mapping[str, str] = field(default_factory=dict[str, str])

    def fresh_request_id(self, step: str = "") -> str:
        """Return the id of a mutation: a new one, or the given one, apart for each ``step``."""
        if not self.request_id:
            return str(uuid.uuid4())
        return str(uuid.uuid5(uuid.UUID(self.request_id), step)) if step else self.request_id


class RootGroup(TyperGroup):
    """Takes the shared options wherever they stand: `investiture show X --json` reads well."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Move shared options in front of the command's name, then parse as always."""
        valued = {
            name: not option.is_flag
            for option in self.params
            if isinstance(option, TyperOption)
            for name in (*option.opts, *option.secondary_opts)
        }
        return super().parse_args(ctx, hoisted(args, valued))


def hoisted(arguments: Sequence[str], valued: Mapping[str, bool]) -> list[str]:
    """Return the arguments with the group's own options first; ``--`` ends the search.

    Args:
        arguments: as they were typed.
        valued: the group's own options, and whether each takes a value.
    """
    own: list[str] = []
    others: list[str] = []
    rest = iter(arguments)
    for argument in rest:
        name, _, given = argument.partition("=")
        if argument == "--":
            others += [argument, *rest]
        elif name not in valued:
            others.append(argument)
        else:
            own.append(argument)
            if valued[name] and not given:
                own += _next(rest)
    return own + others


def _next(rest: Iterator[str]) -> list[str]:
    return [value for value in (next(rest, None),) if value is not None]
