"""A statement, and how a metric's value is written in one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from analyticspro.metrics.cut import Cut
from analyticspro.metrics.model import Cumulative, Derived, Metric, Ratio, Simple, Trailing, Unit
from analyticspro.money import exponent

__all__ = ["Statement", "statement", "value"]


@dataclass(frozen=True)
class Statement:
    """SQL and the values bound into it.

    Attributes:
        tells: Whether its rows tell what was read, besides the figures: see `told.COLUMNS`.
    """

    sql: str
    values: Mapping[str, Any]
    tells: bool = False


def statement(sql: str, values: Mapping[str, Any], *, tells: bool = False) -> Statement:
    """Return the statement with those of the values that it names."""
    used = set(re.findall(r"\$(\w+)", sql))
    bound = {name: value for name, value in values.items() if name in used}
    return Statement(sql, bound, tells)


def value(metric: Metric, cut: Cut) -> str:
    """Return a metric's value over the columns of its measures."""
    match metric:
        case Simple() if metric.unit is Unit.MONEY:
            return _major(metric.name, cut)
        case Simple() if metric.one_is != 1:
            times, over = metric.one_is.as_integer_ratio()
            return f"{metric.name}::DOUBLE * {times} / {over}"
        case Simple() | Trailing():
            return metric.name
        case Cumulative():
            return value(metric.of, cut)
        case Derived():
            plus = " + ".join(value(term, cut) for term in metric.plus)
            minus = "".join(f" - {value(term, cut)}" for term in metric.minus)
            return f"({plus or 0}{minus})"
        case Ratio():
            top = value(metric.numerator, cut)
            bottom = value(metric.denominator, cut)
            return f"({top})::DOUBLE / nullif({bottom}, 0)"


def _major(column: str, cut: Cut) -> str:
    """Return minor units as a decimal number of major ones, exactly."""
    digits = [exponent(code) for code in cut.currencies] or [2]
    if len(set(digits)) == 1:
        return f"{column}::DECIMAL(32, 0) * {_power(digits[0])}"
    cases = " ".join(
        f"WHEN $currency_{number} THEN {_power(count)}" for number, count in enumerate(digits)
    )
    return f"{column}::DECIMAL(32, 0) * CASE currency {cases} END"


def _power(digits: int) -> str:
    return f"{10**-digits:.{digits}f}::DECIMAL({digits + 1}, {digits})"
