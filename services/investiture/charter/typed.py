"""Plain data into a model, each error of shape as a finding with its line and remedy."""

import difflib
import json
from collections.abc import Callable, Iterator
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from investiture.charter.document import At, Document
from investiture.charter.finding import DocumentBroken, Finding, Severity

M = TypeVar("M", bound=BaseModel)

Governed = Callable[[At, object], tuple[str, str, str] | None]
"""Gives an error of shape another rule, message and remedy; a missing value comes as None."""


def _by_shape(at: At, value: object) -> None:
    """Leave every error of shape its own name."""


def typed(document: Document, model: type[M], governed: Governed = _by_shape) -> M:
    """Read a document as ``model``; nothing is coerced: ``"3"`` is no number, ``1`` no truth.

    Raises:
        DocumentBroken: with one finding for each field that is unknown, missing or wrong.
    """
    try:
        return model.model_validate_json(json.dumps(document.value), strict=True)
    except ValidationError as error:
        details = error.errors(include_url=False)
        broken = [_finding(document, model, detail, governed) for detail in details]
        raise DocumentBroken(broken) from None


def _finding(
    document: Document, model: type[BaseModel], detail: ErrorDetails, governed: Governed
) -> Finding:
    at: At = detail["loc"]
    name = f"`{at[-1]}`" if at else "the file"
    around = _model_at(model, at[:-1])
    fields = [] if around is None else list(around.model_fields)
    if detail["type"] == "missing":
        rule, message, remedy = "field-missing", f"{name} is missing", f"add {name} here"
    elif detail["type"] == "extra_forbidden":
        near = difflib.get_close_matches(str(at[-1]), fields, 1)
        rule, message = "field-unknown", f"{name} is no field here"
        remedy = f"did you mean `{near[0]}`?" if near else f"known are: {', '.join(fields)}"
    else:
        rule = "field-invalid"
        reason = detail["msg"].removeprefix("Value error, ")
        message = f"{name} is {_shown(detail['input'])}: {reason[:1].lower()}{reason[1:]}"
        remedy = "correct the value"
    missing = detail["type"] == "missing"
    better = governed(at, None if missing else detail["input"])
    rule, message, remedy = better or (rule, message, remedy)
    field = ".".join(str(step) for step in at)
    return Finding(document.file, document.line(at), rule, Severity.ERROR, message, remedy, field)


def _shown(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else f"{text[:57]}…"


def _model_at(model: type[BaseModel], at: At) -> type[BaseModel] | None:
    """Return the model whose fields stand at a path, if it is one."""
    here: type[BaseModel] | None = model
    for step in at:
        if here is None or not isinstance(step, str) or step not in here.model_fields:
            continue  # a list index or a key of a mapping: its values have the same model
        here = next(_models_in(here.model_fields[step].annotation), None)
    return here


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models_in(argument)
