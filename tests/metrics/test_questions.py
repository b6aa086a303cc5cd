"""A question that cannot be answered is refused with its cure, and never reaches the engine."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from analyticspro.api.bodies import QueryBody
from analyticspro.config import Settings
from analyticspro.errors import DefinitionError, UnknownName
from analyticspro.grain import Grain
from analyticspro.metrics import Filter, Query, catalog
from analyticspro.metrics.evaluate import Evaluator
from analyticspro.metrics.known import Known
from analyticspro.policy import OWNER
from tests.metrics.shop import EVENTS, PLACED, Shop, told


@pytest.mark.parametrize(
    ("words", "cure"),
    [
        pytest.param({"metrics": ("revenu",)}, "Did you mean 'revenue'?", id="metric"),
        pytest.param({"metrics": ("Orders",)}, "Did you mean 'orders'?", id="capital"),
        pytest.param({"metrics": ("zzzz",)}, "Known: active_app_users, ", id="nothing near"),
        pytest.param({"by": "contry"}, "Did you mean 'country'?", id="dimension"),
        pytest.param({"where": {"contry": "France"}}, "Did you mean 'country'?", id="filter"),
        pytest.param({"where": {"country": "Frnace"}}, "Did you mean 'France'?", id="value"),
        pytest.param({"where": {"country": "france"}}, "Did you mean 'France'?", id="case"),
        pytest.param({"where": {"plan": ["pro", "fre"]}}, "Did you mean 'free'?", id="one of two"),
        pytest.param({"grain": "mnth"}, "Did you mean 'month'?", id="grain"),
        pytest.param({"period": "2024-13"}, "Write one of: 2011, 2011-Q4", id="period"),
        pytest.param({"period": "2024-02-01..2024-01-01"}, "must be later", id="backwards"),
        pytest.param({"period": "2024-02-01..2024-02-01"}, "must be later", id="empty"),
        pytest.param({"period": "2024-02-01T00:00Z.."}, "own zone, without", id="offset"),
    ],
)
def test_a_slip_of_the_pen_is_answered_with_the_nearest(
    words: dict[str, object], cure: str, shop: Shop
):
    rest = dict(words)
    metrics = rest.pop("metrics", ("revenue",))
    with pytest.raises(DefinitionError) as refusal:
        shop.rows(*metrics, **rest)  # type: ignore[misc,arg-type]
    assert cure in str(refusal.value)


def test_no_metric_at_all_is_refused(shop: Shop):
    with pytest.raises(DefinitionError, match="at least one metric"):
        shop.ask(Query(()))


def test_a_filter_for_no_value_is_refused(shop: Shop):
    """It would quietly answer 0: nothing has none of the values."""
    with pytest.raises(DefinitionError, match="country"):
        shop.rows("revenue", where={"country": []})


def test_a_metric_that_has_not_the_dimension_says_which_it_has(shop: Shop):
    with pytest.raises(DefinitionError) as refusal:
        shop.rows("orders", "sign_ups", by="product")
    assert "sign_ups" in str(refusal.value)
    assert "country, plan, channel, source" in str(refusal.value)


def test_a_dimension_named_twice_is_refused(shop: Shop):
    with pytest.raises(DefinitionError, match="twice"):
        shop.rows("orders", by=["country", "country"])


def test_a_metric_named_twice_is_answered_once(shop: Shop):
    assert shop.ask(Query(("orders", "orders"))).frame.columns == ["orders"]


def test_in_an_empty_workspace_no_value_can_be_misspelt(empty: Shop):
    assert empty.rows("orders", where={"country": "France"}) == [(0,)]


@pytest.mark.parametrize(
    "period",
    ["0001", "0000", "9999", "9999-12", "9999-12-31", "0001-01-01..9999-12-31", "9999-Q4",
     "1600", "2300", "1970-01-01..2500-01-01", "0001-W01", "9999-W52"],
)  # fmt: skip
@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", "America/New_York"])
@pytest.mark.parametrize("compare", [False, True])
def test_a_period_outside_of_all_reason_is_refused(
    period: str, zone: str, compare: bool, shop: Shop
):
    with pytest.raises(DefinitionError):
        shop.rows("revenue_to_date", grain="day", period=period, zone=zone, compare=compare)


HOSTILE = [
    "revenue; DROP TABLE events",
    "revenue) FROM events; --",
    "' OR 1=1 --",
    '" OR ""="',
    "$start",
    "$filter_0",
    "${HOME}",
    "country\x00",
    "%s %(name)s {0} {name}",
    "🐘" * 100,
    "",
    " ",
    "\\",
    "/etc/passwd",
    "read_text('/etc/passwd')",
]


@pytest.mark.parametrize("text", HOSTILE)
class TestHostileWords:
    """Names are looked up, values are bound: no word of a question is ever part of the SQL."""

    def test_as_a_metric(self, text: str, shop: Shop):
        with pytest.raises(UnknownName):
            shop.rows(text)

    def test_as_a_dimension(self, text: str, shop: Shop):
        with pytest.raises(UnknownName):
            shop.rows("revenue", by=text)

    def test_as_a_filter(self, text: str, shop: Shop):
        with pytest.raises(UnknownName):
            shop.rows("revenue", where={text: "France"})

    def test_as_a_grain(self, text: str):
        with pytest.raises(UnknownName):
            Grain.parse(text)

    def test_as_a_period(self, text: str, shop: Shop):
        with pytest.raises(DefinitionError):
            shop.rows("revenue", period=text)

    def test_as_a_value_nobody_has(self, text: str, shop: Shop):
        with pytest.raises(UnknownName):
            shop.rows("revenue", where={"country": text})

    def test_as_a_value_that_is_there(self, text: str, empty: Shop):
        empty.holds(
            [
                told("2024-01-01", PLACED, "1.00", order="1", country=text),
                told("2024-01-02", PLACED, "2.00", order="2", country="France"),
            ]
        )
        assert empty.rows("revenue", where={"country": text}) == [(1,)]
        answer = empty.ask(Query(("revenue",), where=(Filter("country", (text,), exclude=True),)))
        assert answer.frame.rows() == [(2,)]
        if len(text) > 2 and not text.startswith("$"):
            assert text not in answer.provenance["sql"]
        assert empty.rows("orders", by="country") == sorted([("France", 1), (text, 1)])
        assert empty.rows("orders") == [(2,)]


def test_a_value_that_is_no_text_at_all_is_refused(shop: Shop):
    """Half of a surrogate pair, as a broken JSON escape gives it."""
    with pytest.raises(DefinitionError):
        shop.rows("revenue", where={"country": "\ud800"})


@pytest.mark.parametrize(
    ("text", "filter_"),
    [
        ("country=France", Filter("country", ("France",))),
        ("country!=France", Filter("country", ("France",), exclude=True)),
        ("country !=France", Filter("country", ("France",), exclude=True)),
        ("product=A=B", Filter("product", ("A=B",))),
        ("product=", Filter("product", ("",))),
    ],
)
def test_a_filter_is_written_as_one_says_it(text: str, filter_: Filter):
    assert Filter.parse(text) == filter_


@pytest.mark.parametrize("text", ["country", "=France", "!=France", " =x", ""])
def test_what_is_no_filter_is_refused_with_the_form(text: str):
    with pytest.raises(DefinitionError, match="country=France"):
        Filter.parse(text)


def test_a_question_survives_the_wire():
    query = Query.of(
        "revenue",
        "orders",
        grain="month",
        by=["country", "plan"],
        period="2024-Q1",
        where={"country": ["France", "Italy"], "plan": "pro"},
        compare=True,
    )
    assert QueryBody.model_validate(query.to_json()).query() == query


def test_filters_of_two_dimensions_must_both_pass_and_values_are_alternatives(shop: Shop):
    france = {"plan": "pro", "country": ["France", "Spain"]}
    assert shop.rows("orders", where=france) == [(3,)]  # zoe's, ann's of January, eve's
    where = (Filter("country", ("France", "Spain"), exclude=True), Filter("plan", ("pro",)))
    assert shop.ask(Query(("orders",), where=where)).frame.rows() == [(3,)]  # two unknown, bob's


@pytest.mark.parametrize(
    ("metric", "period", "expected"),
    [
        pytest.param("revenue", "all", "2023-11-05..2024-04-02", id="all days with orders"),
        pytest.param("page_views", "all", "2024-01-10..2024-03-02", id="all days with views"),
        pytest.param("revenue", "latest", "2024-04", id="the month of the last order"),
        pytest.param("page_views", "latest", "2024-03", id="the month of the last view"),
        pytest.param("revenue", "2024-02-01..", "2024-02-01..2024-04-02", id="open end"),
        pytest.param("revenue", "..2024-01-01", "2023-11-05..2024-01-01", id="open start"),
        pytest.param("revenue", "last-7-days", "2024-04-10..2024-04-17", id="relative to now"),
    ],
)
def test_a_period_without_dates_follows_the_metric_s_own_data(
    metric: str, period: str, expected: str, shop: Shop
):
    now = datetime(2024, 4, 16, 12, tzinfo=UTC)
    told_period = shop.ask(Query((metric,), period=period), now=now).provenance["period"]
    written = shop.ask(Query((metric,), period=expected), now=now).provenance["period"]
    assert (told_period["start"], told_period["end"]) == (written["start"], written["end"])


def test_every_answer_is_in_the_order_of_its_keys(shop: Shop):
    rows = shop.rows("events", grain="month", by=["country", "event"], period="all")
    keys = [row[:-1] for row in rows]
    assert keys == sorted(keys, key=lambda key: (key[0], key[1] is None, key[1] or "", key[2]))
    assert sum(row[-1] for row in rows) == len(EVENTS)  # type: ignore[misc]


def test_values_come_most_frequent_first(shop: Shop):
    with shop.warehouse.reader(OWNER) as reader:
        now = datetime(2030, 1, 1, tzinfo=UTC)
        evaluator = Evaluator(reader, Known.read(reader), Settings(), now)
        countries = evaluator.values("country")
        with pytest.raises(UnknownName, match="country"):
            evaluator.values("contry")
        everything = {name: evaluator.values(name) for name in catalog.DIMENSIONS}
    told_of = [event.country for event in EVENTS if event.country]
    assert countries == sorted(set(told_of), key=lambda c: (-told_of.count(c), c))
    assert set(everything["event"]) == {event.name for event in EVENTS}
    assert everything["source"] == ["shop"]
    assert everything["channel"] == []
