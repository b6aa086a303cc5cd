"""Which rows: filters of rows, all or any of which must be passed, and their SQL."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from analyticspro.errors import DefinitionError
from analyticspro.policy.tags import TEXT_FIELDS

__all__ = ["ALL_ROWS", "NO_ROWS", "RowFilter", "Rows"]

_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
_WRITTEN = re.compile(r"(?P<field>[\w.]+)\s*(?P<sign>!?=)\s*(?P<values>.*)", re.DOTALL)


@dataclass(frozen=True)
class RowFilter:
    """Rows whose field is one of `values`, or (`exclude`) none of them.

    A row without the field is none of any values.

    Attributes:
        field: A text field of the event, else a property of it, as `partner_id` or `team.id`.
    """

    field: str
    values: tuple[str, ...]
    exclude: bool = False

    def __post_init__(self) -> None:
        if not all(_KEY.fullmatch(key) for key in self.field.split(".")):
            raise DefinitionError(
                f"{self.field!r} is no field that rows can be filtered by. Write one such as "
                "country, or a property such as partner_id."
            )
        if not self.values:
            raise DefinitionError(f"The row filter on {self.field} names no value. Name one.")

    @classmethod
    def parse(cls, text: str) -> RowFilter:
        """Return the filter written as `country=US`, `partner_id=p1,p2` or `country!=US`.

        >>> RowFilter.parse("partner_id=p1,p2")
        RowFilter(field='partner_id', values=('p1', 'p2'), exclude=False)
        """
        found = _WRITTEN.fullmatch(text.strip())
        if found is None:
            raise DefinitionError(f"{text!r} is no row filter. Write it as country=US.")
        values = tuple(value.strip() for value in found["values"].split(",") if value.strip())
        return cls(found["field"], values, exclude=found["sign"] == "!=")

    @property
    def is_property(self) -> bool:
        """Whether the field is read from the event's properties."""
        return self.field not in TEXT_FIELDS

    def passes(self, row: Mapping[str, Any]) -> bool:
        """Tell whether `row`, a value by each field, passes."""
        return (row.get(self.field) in self.values) is not self.exclude

    def sql(self, bind: Callable[[Any], str]) -> str:
        """Return the term; `bind` takes a value and returns what stands for it in the SQL."""
        column = f'"{self.field}"'
        if self.is_property:
            pointer = "$." + ".".join(f'"{key}"' for key in self.field.split("."))
            column = f"json_extract_string(properties, {bind(pointer)})"
        term = f"coalesce({column} = ANY({bind(list(self.values))}), false)"
        return f"NOT {term}" if self.exclude else term

    def __str__(self) -> str:
        return f"{self.field}{'!' if self.exclude else ''}={','.join(self.values)}"


@dataclass(frozen=True)
class Rows:
    """Rows that pass every filter of at least one of the `ways`."""

    ways: tuple[tuple[RowFilter, ...], ...]

    @classmethod
    def of(cls, *ways: tuple[RowFilter, ...]) -> Rows:
        """Return the rows of all `ways` together; a way without filters is all rows."""
        return cls(((),)) if () in ways else cls(tuple(dict.fromkeys(ways)))

    @property
    def is_all(self) -> bool:
        """Whether no row is left out."""
        return self.ways == ((),)

    @property
    def is_none(self) -> bool:
        """Whether every row is left out."""
        return not self.ways

    @property
    def fields(self) -> frozenset[str]:
        """The fields that it takes to tell whether a row is one of these."""
        return frozenset(item.field for way in self.ways for item in way)

    def has(self, row: Mapping[str, Any]) -> bool:
        """Tell whether `row`, a value by each field, is one of these."""
        return any(all(item.passes(row) for item in way) for way in self.ways)

    def sql(self, bind: Callable[[Any], str]) -> str:
        """Return the condition over the columns of `events`, true or false, never null.

        Args:
            bind: Takes a value and returns what stands for it in the SQL.
        """
        if self.is_all or self.is_none:
            return "true" if self.is_all else "false"
        return " OR ".join(f"({' AND '.join(item.sql(bind) for item in way)})" for way in self.ways)

    def __str__(self) -> str:
        # Without the values: one that is left out would be told by its filter.
        if self.is_all or self.is_none:
            return "all rows" if self.is_all else "no rows"
        return f"rows chosen by {', '.join(sorted(self.fields))}"


ALL_ROWS = Rows(((),))
NO_ROWS = Rows(())
