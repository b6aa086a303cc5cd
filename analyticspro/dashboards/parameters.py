"""The parameters of a notebook while its page is composed: passed on, never read.

A page is composed once for all periods and filters, so what it is composed with must not depend
on them. Each text in the cell tagged `parameters` is therefore replaced by a stand-in that may be
handed to `ap.page(period=…, where=…)`, which notes whose place it takes, and to nothing else.
"""

from __future__ import annotations

import ast
from typing import Any, NoReturn

from analyticspro import composing

__all__ = ["Parameter", "named", "texts_in", "value_of"]


class Parameter:
    """Stands for the value of a parameter; whoever reads it does more than declare.

    It is no `str` on purpose: what a program does to a text would go unnoticed.
    """

    __slots__ = ("_default", "_name")

    def __init__(self, name: str, default: str) -> None:
        self._name = name
        self._default = default

    def _read(self, *_: Any, **__: Any) -> NoReturn:
        composing.refuse(f"it reads its parameter '{self._name}' in Python")

    __str__ = __format__ = __hash__ = __bool__ = __len__ = __iter__ = _read
    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __contains__ = _read
    __getitem__ = __add__ = __radd__ = __mul__ = __rmul__ = __mod__ = __rmod__ = _read

    def __repr__(self) -> str:
        return f"<parameter {self._name}>"

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # whatever looks at objects of any kind, such as copy
            raise AttributeError(name)
        self._read()


def named(value: object) -> str | None:
    """Return the name of the parameter that a value stands for; None if it is a plain value."""
    return value._name if type(value) is Parameter else None


def value_of(value: Any) -> str:
    """Return a text, of a parameter its default."""
    return value._default if type(value) is Parameter else str(value)


def texts_in(source: str) -> dict[str, str]:
    """Return the parameters of a cell that are texts, with their defaults.

    >>> texts_in('period: str = "latest"' + chr(10) + "top: int = 10")
    {'period': 'latest'}
    """
    return {
        line.target.id: line.value.value
        for line in ast.parse(source).body
        if isinstance(line, ast.AnnAssign)
        and isinstance(line.target, ast.Name)
        and isinstance(line.value, ast.Constant)
        and isinstance(line.value.value, str)
    }
