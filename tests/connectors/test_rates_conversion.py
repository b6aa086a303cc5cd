"""The conversion that decision 0010 writes down, on a real warehouse, beside a plain walk."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from analyticspro.connectors import PagedSource, parse
from analyticspro.errors import SettingError
from analyticspro.events import SCHEMA
from analyticspro.ingest import load_events, sync
from analyticspro.money import exponent
from analyticspro.policy import OWNER
from analyticspro.warehouse import Warehouse

NOTE = Path(__file__).parent.parent.parent / "docs" / "decisions" / "0010-rates.md"
[SQL] = [part.partition("```")[0] for part in NOTE.read_text().split("```sql\n")[1:]]
OLDEST = 7
# Friday 2 January, and the Monday after; a gap to the 20th; one day of JPY alone.
RATES = {
    "2026-01-02": {"USD": "1.25", "JPY": "160", "KWD": "0.32"},
    "2026-01-05": {"USD": "1.2", "JPY": "161.05"},
    "2026-01-20": {"USD": "1.0834", "JPY": "155.5"},
    "2026-02-03": {"JPY": "156"},
}
# When, in UTC; minor units; currency.
ORDERS = [
    ("2026-01-02 09:00", 10_000, "USD"),
    ("2026-01-03 12:00", 333, "USD"),  # Saturday: Friday's rate
    ("2026-01-04 23:30", 777, "USD"),  # already Monday in Berlin
    ("2026-01-05 10:00", 5_001, "JPY"),
    ("2026-01-05 11:00", -2_000, "USD"),
    ("2026-01-09 10:00", 12_345, "KWD"),  # seven days old: still good
    ("2026-01-20 10:00", 100, "EUR"),
    ("2026-01-31 23:30", 400, "EUR"),  # February in Berlin
    ("2026-02-03 10:00", 7_000, "JPY"),
    ("2026-03-01 10:00", 900, "USD"),  # nothing for weeks
    ("2026-03-01 11:00", 900, "GBP"),  # never any
    ("2026-03-01 12:00", 900, "EUR"),
]


class NoSecrets:
    def get(self, source: str, name: str) -> str:
        raise SettingError(f"There is no secret {source}.{name}.")


@dataclass
class Books:
    """A warehouse with orders in many currencies, and a table of rates."""

    warehouse: Warehouse
    table: Path

    def says(self, rates: dict[str, dict[str, str]]) -> None:
        """Publish a table, and sync it."""
        lines = [f"{day},{code},{rate}" for day, row in rates.items() for code, rate in row.items()]
        self.table.write_text("\n".join(["Date,currency,rate", *lines]) + "\n")
        declared = {"name": "ecb", "connector": "rates", "base": "EUR", "layout": "long"}
        source = parse({**declared, "path": str(self.table)}, "sources.toml")
        assert isinstance(source, PagedSource)
        report = sync(source, self.warehouse, secrets=NoSecrets(), progress=lambda _: None)
        assert (report.error, report.rejected) == (None, 0)

    def converted(
        self, target: str, *, zone: str = "UTC", as_of: int | None = None
    ) -> list[tuple[Any, ...]]:
        codes = sorted({currency for _, _, currency in ORDERS} | {target})
        values = {
            "target": target,
            "base": "EUR",
            "rates": "ecb",
            "zone": zone,
            "oldest": OLDEST,
            "names": ["order_placed"],
            "codes": codes,
            "digits": [exponent(code) for code in codes],
            "start": datetime(2025, 1, 1),
            "end": datetime(2027, 1, 1),
        }
        with self.warehouse.reader(OWNER) as reader:
            values["as_of"] = reader.revision() if as_of is None else as_of
            return reader.frame(SQL, values).rows()

    def revision(self) -> int:
        with self.warehouse.reader(OWNER) as reader:
            return int(reader.revision())


@pytest.fixture
def books(tmp_path: Path) -> Iterator[Books]:
    warehouse = Warehouse.open(tmp_path / "warehouse.duckdb", backups=tmp_path / "backups")
    orders = [
        {
            "event_id": f"shop:{number}",
            "name": "order_placed",
            "occurred_at": datetime.fromisoformat(at).replace(tzinfo=UTC),
            "amount_minor": minor,
            "currency": currency,
            "properties": json.dumps({"order_id": str(number)}),
        }
        for number, (at, minor, currency) in enumerate(ORDERS)
    ]
    try:
        load_events("shop", pl.DataFrame(orders, schema=SCHEMA), warehouse, progress=lambda _: None)
        found = Books(warehouse, tmp_path / "rates.csv")
        found.says(RATES)
        yield found
    finally:
        warehouse.close()


def walk(target: str, zone: str, rates: dict[str, dict[str, str]]) -> list[tuple[Any, ...]]:
    """Convert order by order, in decimals, as a person would with a table and a pencil."""

    def rate(code: str, day: date) -> Decimal | None:
        if code == "EUR":
            return Decimal(1)
        for age in range(OLDEST + 1):
            row = rates.get(str(day - timedelta(days=age)), {})
            if code in row:
                return Decimal(row[code])
        return None

    months: dict[date, list[tuple[str, Decimal | None]]] = {}
    for at, minor, currency in ORDERS:
        moment = datetime.fromisoformat(at).replace(tzinfo=UTC)
        day = moment.astimezone(ZoneInfo(zone)).date()
        own, wanted = rate(currency, day), rate(target, day)
        value = Decimal(minor).scaleb(-exponent(currency))
        if currency == target:
            converted: Decimal | None = value
        elif own is None or wanted is None:
            converted = None
        else:
            converted = value / own * wanted
        months.setdefault(day.replace(day=1), []).append((currency, converted))
    return [_month(month, items, target) for month, items in sorted(months.items())]


def _month(month: date, items: list[tuple[str, Decimal | None]], target: str) -> tuple[Any, ...]:
    missing = sorted({currency for currency, value in items if value is None})
    lost = sum(value is None for _, value in items)
    total = sum((value for _, value in items if value is not None), Decimal(0))
    minor = int(total.scaleb(exponent(target)).quantize(Decimal(1), ROUND_HALF_EVEN))
    return month, None if lost else minor, lost, missing or None


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin"])
@pytest.mark.parametrize("target", ["EUR", "USD", "JPY", "KWD", "GBP"])
def test_the_statement_says_what_a_plain_walk_says(books: Books, target: str, zone: str):
    assert books.converted(target, zone=zone) == walk(target, zone, RATES)


def test_january_in_euros_counted_by_hand(books: Books):
    """100 + 3.33 and 7.77 at 1.25; 5,001 yen at 161.05; −20 at 1.2; 12.345 dinar at 0.32; 5."""
    euros = 111.10 / 1.25 + 5_001 / 161.05 - 20 / 1.2 + 12.345 / 0.32 + 5
    january, february, march = books.converted("EUR")
    assert january == (date(2026, 1, 1), round(euros * 100), 0, None)
    assert february == (date(2026, 2, 1), round(7_000 / 156 * 100), 0, None)
    assert march == (date(2026, 3, 1), None, 2, ["GBP", "USD"])


def test_a_correction_restates_the_figure_and_the_earlier_one_stays_readable(books: Books):
    before, revision = books.converted("EUR"), books.revision()
    corrected = {**RATES, "2026-01-05": {"USD": "2.4", "JPY": "161.05"}}
    books.says(corrected)
    assert books.converted("EUR") == walk("EUR", "UTC", corrected) != before
    assert books.converted("EUR", as_of=revision) == before


def test_rates_of_another_source_and_of_another_base_are_not_mixed_in(books: Books):
    before = books.converted("EUR")
    for name, base in (("other", "EUR"), ("ecb", "GBP")):
        stray = {
            "event_id": f"{name}:{base}:USD",
            "name": "rate_published",
            "occurred_at": datetime(2026, 1, 2, tzinfo=UTC),
            "currency": "USD",
            "properties": json.dumps({"base": base, "rate": "9", "date": "2026-01-02"}),
        }
        load_events(
            name, pl.DataFrame([stray], schema=SCHEMA), books.warehouse, progress=lambda _: None
        )
    with books.warehouse.reader(OWNER) as reader:
        [(count,)] = reader.frame(
            "SELECT count(*) FROM events WHERE name = 'rate_published'"
        ).rows()
    assert count == 8 + 2
    assert books.converted("EUR") == before
