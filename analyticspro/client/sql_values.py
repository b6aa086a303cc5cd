"""Values of a statement as they are sent."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from analyticspro.errors import DefinitionError

__all__ = ["sent"]


def sent(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values as JSON can carry them; moments with a zone become UTC without one.

    >>> sent({"since": date(2024, 1, 2), "names": ["a"]})
    {'since': {'type': 'date', 'text': '2024-01-02'}, 'names': ['a']}
    """
    return {name: _sent(name, value) for name, value in values.items()}


def _sent(name: str, value: object) -> object:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, datetime):
        utc = value if value.tzinfo is None else value.astimezone(UTC).replace(tzinfo=None)
        return {"type": "datetime", "text": utc.isoformat()}
    if isinstance(value, date):
        return {"type": "date", "text": value.isoformat()}
    if isinstance(value, Decimal):
        return {"type": "decimal", "text": str(value)}
    if isinstance(value, list | tuple):
        return [_sent(name, each) for each in value]
    raise DefinitionError(
        f"The value {name!r} is a {type(value).__name__}. Text, numbers, dates, moments, truth "
        "values, None and lists of them can be bound."
    )
