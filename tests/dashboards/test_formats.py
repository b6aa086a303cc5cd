"""How numbers and dates are written."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import pytest

from analyticspro.dashboards.formats import Unit, exact, relative, span_words

POUNDS = Unit("money", "GBP")


@pytest.mark.parametrize(
    ("unit", "value", "written"),
    [
        pytest.param(POUNDS, Decimal("0.00"), "£0", id="nothing has no pence"),
        pytest.param(POUNDS, Decimal("-61.50"), "−£61.50", id="the minus is before the symbol"),
        pytest.param(POUNDS, Decimal("999.99"), "£999.99", id="pence below a thousand"),
        pytest.param(POUNDS, Decimal("1000.49"), "£1,000", id="none from a thousand on"),
        pytest.param(Unit("money", "JPY"), Decimal("950"), "¥950", id="yen have no minor unit"),
        pytest.param(Unit("money", "CHF"), Decimal("12.5"), "CHF 12.50", id="no symbol: the code"),
        pytest.param(Unit("count"), 22064, "22,064", id="a count is whole"),
        pytest.param(Unit("fraction"), 0.0, "0.0%", id="zero is not nothing"),
        pytest.param(Unit("fraction"), -0.00001, "0.0%", id="what rounds to zero has no sign"),
        pytest.param(Unit("seconds"), 0, "0 s", id="no time at all"),
        pytest.param(Unit("seconds"), 0.0015, "1.5 ms", id="thousandths of a second"),
        pytest.param(Unit("seconds"), 59.96, "60 s", id="the unit is chosen before rounding"),
        pytest.param(Unit("seconds"), Decimal("-5400"), "−1.5 h", id="a time that came less"),
        pytest.param(Unit("fraction"), None, "—", id="nothing is a dash"),
    ],
)
def test_a_value_is_written_as_its_unit_says(unit: Unit, value: Decimal, written: str):
    assert unit.full(value) == written


@pytest.mark.parametrize(
    ("value", "written"),
    [
        pytest.param(Decimal("9999999"), "£9,999,999", id="in full while it fits"),
        pytest.param(Decimal("12345678"), "£12.35m", id="shortened when it does not"),
        pytest.param(Decimal("-12345678901"), "−£12.35bn", id="also below zero"),
    ],
)
def test_a_card_holds_its_value(value: Decimal, written: str):
    assert POUNDS.card(value) == written


def test_a_column_has_one_number_of_digits():
    column = [Decimal("61.5"), Decimal("1000"), None]
    digits = POUNDS.digits(column)
    assert [POUNDS.full(value, digits=digits) for value in column] == ["£62", "£1,000", "—"]


@pytest.mark.parametrize(
    ("rate", "written"),
    [(0.365, "36.5%"), (-0.5, "50.0%"), (9.99, "999.0%"), (25.0, "26.0×")],
)
def test_a_large_rise_is_a_multiple(rate: float, written: str):
    assert relative(rate) == written


@pytest.mark.parametrize(
    ("start", "end", "words"),
    [
        ((2011, 11, 1), (2011, 12, 1), "November 2011"),
        ((2011, 10, 1), (2012, 1, 1), "Q4 2011"),
        ((2011, 1, 1), (2012, 1, 1), "2011"),
        ((2011, 11, 1), (2011, 11, 9, 12, 50), "1–9 Nov 2011"),
        ((2011, 11, 1), (2011, 11, 2), "1 Nov 2011"),
        ((2011, 11, 1), (2011, 11, 1, 14, 37), "1 Nov 2011, 00:00–14:37"),
        ((2011, 10, 11), (2011, 11, 10), "11 Oct – 9 Nov 2011"),
        ((2010, 12, 30), (2011, 1, 3), "30 Dec 2010 – 2 Jan 2011"),
    ],
)
def test_a_span_is_called_by_its_name(start: tuple[int, ...], end: tuple[int, ...], words: str):
    assert span_words(datetime(*start), datetime(*end)) == words


def test_an_exact_value_is_never_rounded():
    assert exact(Decimal("1461756.25")) == "1461756.25"
    assert exact(0.12725845) == "0.12725845"
    assert exact(None) == ""
