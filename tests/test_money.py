"""Money is exact, in minor units, and says so when it had to be rounded."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyticspro.errors import DataError, DefinitionError
from analyticspro.money import Minor, exponent, multiply, to_minor

WHOLE = st.integers(-(2**63) + 1, 2**63 - 1)


@pytest.mark.parametrize(
    ("amount", "minor"),
    [
        pytest.param("0.125", 12, id="a half goes down to the even"),
        pytest.param("0.135", 14, id="a half goes up to the even"),
        pytest.param("-0.125", -12, id="a negative half goes to the even too"),
        pytest.param("0.1250000001", 13, id="more than a half goes up"),
        pytest.param("0.001", 0, id="less than a half goes to nothing"),
        pytest.param("-11062.0600001", -1106206, id="money returned"),
    ],
)
def test_an_amount_finer_than_the_minor_unit_is_rounded_half_to_even(amount: str, minor: int):
    assert to_minor(Decimal(amount), "GBP") == Minor(minor, unrounded=amount)


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [
        pytest.param("12.34", "GBP", 1234, id="hundredths"),
        pytest.param("1234", "JPY", 1234, id="no minor unit"),
        pytest.param("1.234", "KWD", 1234, id="thousandths"),
        pytest.param("0.1234", "CLF", 1234, id="ten-thousandths"),
        pytest.param("12.340000", "GBP", 1234, id="zeros behind are not finer"),
        pytest.param("1.2E+3", "GBP", 120000, id="written with an exponent"),
        pytest.param("-0", "GBP", 0, id="minus nothing"),
        pytest.param("0E+40", "GBP", 0, id="nothing, written at length"),
        pytest.param("92233720368547758.07", "GBP", 2**63 - 1, id="the largest there is"),
    ],
)
def test_an_exact_amount_is_kept_and_not_called_rounded(amount: str, currency: str, minor: int):
    assert to_minor(Decimal(amount), currency) == Minor(minor)


@pytest.mark.parametrize(
    ("amount", "currency"),
    [
        ("92233720368547758.08", "GBP"),
        ("-92233720368547758.09", "GBP"),
        ("9223372036854775808", "JPY"),
        ("1E+19", "GBP"),
        ("1E+999999", "GBP"),
    ],
)
def test_an_amount_beyond_64_bits_is_refused(amount: str, currency: str):
    with pytest.raises(DataError, match="too large"):
        to_minor(Decimal(amount), currency)


@pytest.mark.parametrize("code", ["gbp", "GB", "GBPX", "", "G1P", "£££", "ÄÖÜ", "GB\n"])
def test_a_currency_has_three_capital_letters(code: str):
    with pytest.raises(DefinitionError, match="ISO 4217"):
        exponent(code)


@pytest.mark.parametrize(
    ("texts", "product"),
    [
        pytest.param(("6", "2.55"), "15.30", id="quantity and price"),
        pytest.param((" 6 ", "+.5"), "3.0", id="spaces around, a bare point"),
        pytest.param(("-6", "2.", "1e2"), "-1200", id="three factors"),
        pytest.param(("0.1", "0.1"), "0.01", id="as decimals, not as floats"),
        pytest.param(("9" * 30, "1" + "0" * 29), "9" * 30 + "0" * 29, id="long, and exact"),
    ],
)
def test_a_product_is_exact(texts: tuple[str, ...], product: str):
    assert multiply(texts) == Decimal(product)


@pytest.mark.parametrize(
    "text",
    ["", " ", "abc", "1,50", "£1", "1_000", "١٢", "1e", "--1", "0x1F", "1e9" + "9" * 40],
)
def test_what_is_no_number_is_quoted(text: str):
    with pytest.raises(DataError) as caught:
        multiply(("2", text))
    assert str(caught.value) == f"{text!r} is not a number"


@pytest.mark.parametrize("text", ["NaN", "nan", "sNaN", "Infinity", "-inf"])
def test_a_number_is_finite(text: str):
    with pytest.raises(DataError, match="is not a finite number"):
        multiply((text,))


@pytest.mark.parametrize(
    "texts",
    [("1e9999999",), ("1e-9999999",), ("1e999999", "1e999999"), ("1" * 61,), ("1" * 40, "3" * 40)],
    ids=["huge", "tiny", "overflowing", "61 digits", "a product of 80 digits"],
)
def test_what_cannot_be_exact_is_refused(texts: tuple[str, ...]):
    with pytest.raises(DataError, match="too many digits"):
        multiply(texts)


@given(WHOLE)
def test_minor_units_survive_the_way_through_major_units(minor: int):
    assert to_minor(Decimal(minor).scaleb(-2), "GBP") == Minor(minor)


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**12), max_value=10**12))
def test_rounding_is_never_off_by_more_than_half(amount: Decimal):
    found = to_minor(amount, "GBP")
    assert abs(Decimal(found.amount) - amount * 100) <= Decimal("0.5")
    assert (found.unrounded is None) == (Decimal(found.amount) == amount * 100)
