"""Parameters of a notebook: what it takes, and text made into what it takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from analyticspro.errors import DefinitionError, UnknownName

__all__ = ["bind"]


def bind(notebook: Path, given: Mapping[str, str]) -> dict[str, Any]:
    """Return `given` as values of the types that the notebook's parameters cell declares.

    A parameter left out keeps the notebook's own default.

    Args:
        notebook: With a cell tagged `parameters` of annotated literals.
        given: Parameter to value, as written on a command line.

    Raises:
        UnknownName: The notebook has no such parameter; the message has the nearest.
        DefinitionError: The value is not of the parameter's type.
    """
    from papermill import inspect_notebook

    declared = inspect_notebook(str(notebook))
    values = {}
    for name, text in given.items():
        if name not in declared:
            raise UnknownName.of("parameter", name, declared, where=f"report {notebook.stem!r}")
        values[name] = _value(name, text, declared[name]["inferred_type_name"])
    return values


def _boolean(text: str) -> bool:
    known = {"true": True, "false": False}
    return known[text.casefold()]


_TYPES: dict[str, tuple[Callable[[str], Any], str]] = {
    "str": (str, "text"),
    "int": (int, "a whole number"),
    "float": (float, "a number"),
    "bool": (_boolean, "true or false"),
}


def _value(name: str, text: str, kind: str) -> Any:
    if kind not in _TYPES:
        raise DefinitionError(
            f"Parameter {name} is of type {kind}, which cannot be written as text. "
            f"Its notebook may use: {', '.join(_TYPES)}."
        )
    read, words = _TYPES[kind]
    try:
        return read(text)
    except (ValueError, KeyError):
        raise DefinitionError(f"Parameter {name} is {text!r}; it must be {words}.") from None
