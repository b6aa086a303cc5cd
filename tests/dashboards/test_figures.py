"""What figures show of their answers."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from analyticspro.dashboards.choices import controls
from analyticspro.dashboards.context import Context
from analyticspro.dashboards.figures import bars, kpi, line, summary, table
from analyticspro.dashboards.figures.cell import Figure
from analyticspro.errors import DefinitionError, UnknownName
from tests.dashboards.provider import FrameProvider, orders


def shown(figure: Figure, provider: FrameProvider, period: str = "2011-11", **where: str) -> Any:
    return figure.over(period, where=where, client=provider).view()


def lines_of(*rows: tuple[str, str, int]) -> FrameProvider:
    """Return a provider of orders given as (time, country, pence), one customer each."""
    frame = pl.DataFrame(
        [
            (datetime.fromisoformat(at), f"{number}", number, country, pence)
            for number, (at, country, pence) in enumerate(rows)
        ],
        schema=orders().schema,
        orient="row",
    )
    return FrameProvider(frame)


def test_a_card_gives_value_and_change_against_the_same_days_before():
    provider = lines_of(
        ("2011-11-01T09:00", "France", 10_000),
        ("2011-11-09T13:00", "France", 99_900),
        ("2011-12-01T09:00", "France", 12_000),
        ("2011-12-09T12:50", "France", 3_000),
    )
    view = shown(kpi("revenue"), provider, "latest")
    assert (view.value, view.exact) == ("£150.00", "150.00")
    assert (view.change.direction, view.change.rate, view.change.step) == ("up", "50.0%", "+£50.00")
    assert view.change.against == "vs 1–9 Nov"
    assert view.change.spoken == "up 50.0% (+£50.00) against 1–9 Nov, better"


def test_colours_follow_the_better_direction():
    at = "2011-11-0{}T09:00"
    provider = lines_of(
        *((at.format(day).replace("-11-", "-10-"), "France", 1_000) for day in (1, 2)),
        *((at.format(day), "France", 1_000) for day in (1, 2, 3, 4)),
        ("2011-12-31T23:00", "France", 1),
    )
    assert shown(kpi("orders"), provider).change.verdict == "good"
    assert shown(kpi("cancellation_rate"), provider).change.verdict == "neutral"
    cancelled = provider.lines.with_columns(
        invoice=pl.when(pl.col("at") > datetime(2011, 11, 4))
        .then("C" + pl.col("invoice"))
        .otherwise(pl.col("invoice"))
    )
    worse = shown(kpi("cancellation_rate"), FrameProvider(cancelled)).change
    assert (worse.direction, worse.verdict, worse.rate, worse.step) == (
        "up",
        "bad",
        "new",
        "+25.0 pp",
    )


def test_a_change_from_nothing_is_new_and_without_history_there_is_none():
    provider = lines_of(
        ("2011-09-05T09:00", "France", 1_000),
        ("2011-11-05T09:00", "France", 2_000),
        ("2011-12-31T09:00", "France", 1),
    )
    assert shown(kpi("revenue"), provider).change.rate == "new"
    first = shown(kpi("revenue"), provider, "2011-09")
    assert (first.change, first.remark) == (None, "No earlier data")
    assert shown(kpi("average_order_value"), provider, "2011-10").remark == "No data in this period"
    assert shown(kpi("average_order_value"), provider, "2011-11").remark == "Nothing to compare"


def test_a_window_that_data_covers_in_part_is_not_judged(provider: FrameProvider):
    change = shown(kpi("revenue"), provider, "2011-09").change
    assert change.verdict == "neutral"
    assert change.against == "vs August 2011, data from 14 Aug 2011"


def test_a_line_fills_totals_with_zero_and_leaves_gaps_in_ratios():
    provider = lines_of(
        ("2011-11-01T09:00", "France", 1_000),
        ("2011-11-04T09:00", "France", 3_000),
        ("2011-12-31T09:00", "France", 1),
    )
    revenue = shown(line("revenue"), provider)
    ratio = shown(line("average_order_value"), provider)
    assert [point.value for point in revenue.points[:4]] == [10.0, 0.0, 0.0, 30.0]
    assert [point.value for point in ratio.points[:4]] == [10.0, None, None, 30.0]
    assert len(revenue.points) == 30
    assert (revenue.zero, ratio.zero) == (True, False)


def test_a_line_marks_the_bucket_that_is_not_over_and_ends_there(provider: FrameProvider):
    view = shown(line("revenue"), provider, "2011-12")
    assert [point.at.day for point in view.points if point.is_partial] == [9]
    assert view.points[-1].at == datetime(2011, 12, 9)
    assert view.starts[-1] == datetime(2011, 12, 31)
    assert "not over yet" in view.points[-1].words


def test_the_previous_period_lies_behind_bucket_by_bucket(provider: FrameProvider):
    view = shown(line("revenue"), provider, "2011-12")
    assert [point.at for point in view.before[:2]] == [datetime(2011, 12, 1), datetime(2011, 12, 2)]
    whole = provider.lines.filter(pl.col("at").dt.date() == datetime(2011, 11, 2).date())
    assert view.before[1].value == whole["pence"].sum() / 100
    assert view.before_name == "November 2011"
    assert "Wed 2 Nov 2011" in view.points[1].words


def test_a_line_by_dimension_says_how_many_it_leaves_out():
    names = [f"Land {n}" for n in range(8)]
    rows = [(f"2011-11-0{n + 1}T09:00", name, 1_000 * (n + 1)) for n, name in enumerate(names)]
    view = shown(line("revenue", by="country"), lines_of(*rows))
    assert view.names == ("Land 7", "Land 6", "Land 5", "Land 4", "Land 3", "Land 2")
    assert view.note == "by day, top 6 of 8"


@pytest.mark.parametrize(
    ("period", "grain"),
    [("2011-11-05", "hour"), ("2011-11", "day"), ("2011-Q4", "day"), ("2011", "month")],
)
def test_the_grain_suits_the_period(provider: FrameProvider, period: str, grain: str):
    assert shown(line("revenue"), provider, period).grain.value == grain


def test_bars_sum_the_rest_only_of_what_adds_up():
    rows = [("2011-11-05T09:00", f"Land {n}", 1_000 * (n + 1)) for n in range(5)]
    provider = lines_of(*rows, ("2011-12-31T00:00", "Land 0", 1))
    revenue = shown(bars("revenue", "country", top=3), provider)
    customers = shown(bars("active_customers", "country", top=3), provider)
    assert [bar.label for bar in revenue.bars] == ["Land 4", "Land 3", "Land 2", "Other (2)"]
    assert revenue.bars[-1].value == 30.0
    assert "33.3% of all" in revenue.bars[0].words
    assert len(customers.bars) == 3
    assert customers.note == "top 3 of 5"
    assert "of all" not in customers.bars[0].words


def test_an_event_without_a_value_for_the_dimension_is_shown(provider: FrameProvider):
    assert "(none)" in [bar.label for bar in shown(bars("revenue", "country"), provider).bars]


def test_a_table_has_its_total_asked_for_not_added_up(provider: FrameProvider):
    view = shown(table(["active_customers", "revenue"], by="country", top=2), provider)
    whole = shown(kpi("active_customers"), provider)
    assert view.total[1] == whole.value
    assert view.total_exact[2] == shown(kpi("revenue"), provider).exact
    assert (len(view.rows), view.note) == (2, "top 2 of 4")
    assert [Decimal(row[1]) for row in view.exact] == sorted(
        (Decimal(row[1]) for row in view.exact), reverse=True
    )


def test_a_table_by_grain_is_in_order_of_time(provider: FrameProvider):
    view = shown(table(["revenue"], grain="month"), provider, "2011-Q4")
    assert [row[0] for row in view.rows] == ["October 2011", "November 2011", "December 2011"]


def test_a_filter_reaches_every_query(provider: FrameProvider, november: Context):
    only = shown(bars("revenue", "country"), provider, country="France")
    assert [bar.label for bar in only.bars] == ["France"]
    assert Context.of(provider.workspace(), "2011-11", {"country": ""}).where == ()


def test_a_summary_is_a_sentence(provider: FrameProvider):
    text = shown(summary("revenue", by="country"), provider, "latest").text
    assert text.startswith("Revenue was £")
    assert " in December 2011 so far, " in text
    assert " on 1–9 Nov. Of 4 countries, " in text


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda: table(["revenue"]), id="no rows"),
        pytest.param(lambda: table(["revenue"], by="country", grain="day"), id="two kinds of row"),
        pytest.param(lambda: table([], by="country"), id="no metric"),
        pytest.param(lambda: bars("revenue", "country", top=0), id="no bars"),
        pytest.param(lambda: line("revenue", grain="fortnight"), id="no such grain"),
    ],
)
def test_a_declaration_that_makes_no_sense_is_refused(make: Any):
    with pytest.raises(DefinitionError):
        make()


def test_an_error_of_the_service_is_raised(provider: FrameProvider):
    with pytest.raises(UnknownName, match="Did you mean 'revenue'"):
        shown(kpi("revenu"), provider)


def test_periods_are_offered_where_there_is_data(provider: FrameProvider, november: Context):
    offered = controls(november, datetime(2011, 12, 10), [])
    values = {group.label: [each.value for each in group.options] for group in offered.periods}
    assert values["Months"] == ["2011-12", "2011-11", "2011-10", "2011-09", "2011-08"]
    assert values["Quarters"] == ["2011-Q4", "2011-Q3"]
    assert values["Recent"] == ["last-7-days", "last-30-days", "last-90-days"]
    assert (offered.earlier, offered.later) == ("2011-10", "2011-12")
    stale = controls(november, datetime(2012, 12, 10), [])
    assert "Recent" not in [group.label for group in stale.periods]
