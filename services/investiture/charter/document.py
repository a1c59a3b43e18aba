"""A YAML file as plain data in which every value knows its line.

The subset is meant for files that people sign: YAML 1.2 core scalars (``NO`` is a text and
``17:00`` no number of minutes), no tags, no aliases, no key twice.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from investiture.charter.finding import DocumentBroken, Finding, Severity

At = tuple[str | int, ...]
"""The path of a value in a document: keys and list indexes from the root."""

_LOADER = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader
"""The C one reads a charter in a tenth of the time, which every start and command waits for."""

MOST_BYTES = 4 << 20
"""Of a file that people write: a thousand scenarios take a tenth of it."""

_MAX_DEPTH = 32
_LINE_END = re.compile(r"\r\n?")
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9_]{0,24})")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]{1,3})?")
_WORDS: Mapping[str, object] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}


@dataclass(frozen=True, slots=True)
class Document:
    """Plain data (mappings, lists, text, numbers, booleans, None) and the line of each value."""

    file: str
    value: object
    lines: Mapping[At, int]

    def line(self, at: Iterable[str | int]) -> int:
        """Return the line of a value; of the nearest thing around it where there is none.

        Steps that the document does not have (names of union members, missing fields) are skipped.
        """
        here: At = ()
        for step in at:
            if (*here, step) in self.lines:
                here = (*here, step)
        return self.lines.get(here, 1)


def read(path: Path) -> Document:
    """Read a YAML file.

    Raises:
        DocumentBroken: it cannot be read, or is not in the subset that is allowed.
    """
    return parse(text_of(path), str(path))


def text_of(path: Path) -> str:
    """Return the text of a file.

    Raises:
        DocumentBroken: it cannot be read, is no UTF-8, or too large.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(MOST_BYTES + 1)
    except OSError as error:
        why = error.strerror or "it cannot be read"
        raise DocumentBroken([_error(str(path), 1, "file-unreadable", why)]) from None
    if len(raw) > MOST_BYTES:
        why = f"it is larger than {MOST_BYTES >> 20} MiB"
        raise DocumentBroken([_error(str(path), 1, "file-too-large", why)])
    try:
        return _LINE_END.sub("\n", raw.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        broken = _error(str(path), line, "file-unreadable", f"byte {error.start} is no UTF-8")
        raise DocumentBroken([broken]) from None


def parse(text: str, file: str) -> Document:
    """Parse a YAML text; ``file`` is how findings call it.

    Raises:
        DocumentBroken: with one finding for each place that is wrong.
    """
    try:
        found = [*_refused_events(text, file)]
        root = None if found else yaml.compose(text, Loader=_LOADER)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        why = error.problem or error.context or "the text is no YAML"
        # The parser points behind the last line where the text ends too early.
        line = 1 if mark is None else min(mark.line + 1, max(1, len(text.splitlines())))
        raise DocumentBroken([_error(file, line, "yaml-syntax", why)]) from None
    except yaml.YAMLError as error:  # a character that YAML does not allow; it has no line
        why = str(error).splitlines()[0]
        raise DocumentBroken([_error(file, 1, "yaml-syntax", why)]) from None
    if found:
        raise DocumentBroken(found)
    if root is None:
        raise DocumentBroken([_error(file, 1, "yaml-syntax", "the file is empty")])
    reader = _Reader(file)
    value = reader.value(root, ())
    if reader.found:
        raise DocumentBroken(reader.found)
    return Document(file, value, reader.lines)


def _refused_events(text: str, file: str) -> Iterator[Finding]:
    depth = 0
    for event in yaml.parse(text, Loader=_LOADER):
        line = 1 if event.start_mark is None else event.start_mark.line + 1
        if isinstance(event, yaml.AliasEvent):
            yield _error(file, line, "yaml-alias", f"*{event.anchor} is an alias")
        elif getattr(event, "tag", None) is not None:
            yield _error(file, line, "yaml-tag", "a tag changes what a value is")
        elif isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > _MAX_DEPTH:
                yield _error(file, line, "yaml-depth", f"nested more than {_MAX_DEPTH} deep")
                return
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


class _Reader:
    """Turns nodes into plain data, noting lines and keys that come twice."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.lines: dict[At, int] = {}
        self.found: list[Finding] = []

    def value(self, node: yaml.Node, at: At) -> object:
        self.lines.setdefault(at, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, at)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, (*at, index)) for index, item in enumerate(node.value)]
        assert isinstance(node, yaml.ScalarNode)
        return node.value if node.style else _plain(node.value)

    def _mapping(self, node: yaml.MappingNode, at: At) -> dict[str, object]:
        result: dict[str, object] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                self.found.append(_error(self.file, line, "yaml-key", "a key is not plain text"))
                continue
            key = key_node.value
            if key in result:
                first = self.lines[(*at, key)]
                why = f"`{key}` comes twice here, first in line {first}"
                self.found.append(_error(self.file, line, "yaml-duplicate-key", why))
                continue
            self.lines[(*at, key)] = line
            result[key] = self.value(value_node, (*at, key))
        return result


def _plain(text: str) -> object:
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    return text


_REMEDIES = {
    "file-unreadable": "give the path of a readable UTF-8 file",
    "file-too-large": "give the path of a file that people write, not of data",
    "yaml-syntax": "mend the YAML at this line",
    "yaml-alias": "write the value out: everybody who signs has to read it here",
    "yaml-tag": "remove the tag; put text that looks like a number in quotes",
    "yaml-depth": "flatten it",
    "yaml-key": "write the key as plain text",
    "yaml-duplicate-key": "keep one of them",
}


def _error(file: str, line: int, rule: str, why: str) -> Finding:
    return Finding(file, line, rule, Severity.ERROR, why, _REMEDIES[rule])
