"""Whoever asks, every figure is made of the rows that one single grant shows for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analyticspro.config import Settings
from analyticspro.errors import DefinitionError, Forbidden, UnknownName
from analyticspro.metrics import Answer, Query, catalog
from analyticspro.metrics.governed import Governed
from analyticspro.policy import OWNER, Grant, Role, RowFilter, Scope, scope_of_role
from tests.metrics.shop import EVENTS, NOW, PLACED, Happening, Shop, told
from tests.metrics.test_walk import known_until, stories
from tests.metrics.walk import NULLABLE, TO_DATE, TRAILING, WITHIN, Walk

# Fields that grants are filtered by: of the rollups, of their members, and of neither.
ATTRIBUTES = {
    "country": "country",
    "plan": "plan",
    "name": "name",
    "customer_id": "customer",
    "quantity": "quantity",  # a property of the JSON alone
}
VALUES = {
    "country": ["France", "Italy"],
    "plan": ["free", "pro"],
    "name": [PLACED, "signed_up", "page_viewed"],
    "customer_id": ["ann", "bob"],
    "quantity": ["1", "-2", "3"],
}


@st.composite
def row_filters(draw: st.DrawFn) -> RowFilter:
    field = draw(st.sampled_from(sorted(VALUES)))
    values = draw(st.lists(st.sampled_from(VALUES[field]), min_size=1, max_size=2, unique=True))
    return RowFilter(field, tuple(values), exclude=draw(st.booleans()))


GRANTS = st.builds(
    Grant,
    st.sampled_from([frozenset({"revenue"}), frozenset({"revenue", "credits"}), frozenset()]),
    st.lists(row_filters(), min_size=1, max_size=2).map(tuple) | st.just(()),
    st.booleans(),
)


def shows(grants: Sequence[Grant], tags: Sequence[str], event: Happening) -> bool:
    """The rule, in the plainest terms: one single grant has all tags, and its filter passes."""
    return any(
        set(tags) <= set(grant.tags)
        and all((_text(event, f.field) in f.values) != f.exclude for f in grant.where)
        for grant in grants
    )


def _text(event: Happening, field: str) -> str | None:
    value = getattr(event, ATTRIBUTES[field])
    return None if value is None else str(value)


def ask(shop: Shop, scope: Scope, query: Query, workspace: Settings | None = None) -> Answer:
    with shop.warehouse.reader(scope, as_of=query.as_of) as reader:
        return Governed.read(reader, workspace or Settings(currency="GBP"), NOW).answer(query)


def values(shop: Shop, scope: Scope, dimension: str) -> list[str]:
    with shop.warehouse.reader(scope) as reader:
        return Governed.read(reader, Settings(currency="GBP"), NOW).values(dimension)


@pytest.fixture(scope="module")
def changing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """A shop whose whole story is replaced for each example."""
    with Shop.at(tmp_path_factory.mktemp("changing")) as opened:
        yield opened


def probes(grants: Sequence[Grant]) -> list[Happening]:
    """Return of each way of a grant a row that passes, and of each filter one that it alone stops.

    So rows inside and outside differ for sure: whatever the filter lets through too much or too
    little changes how many they are.
    """
    found = []
    for grant in grants:
        rows = [grant.where, *((replace_one(grant.where, each)) for each in grant.where)]
        found += [row for row in map(_row_of, rows) if row is not None]
    return found


def replace_one(where: Sequence[RowFilter], turned: RowFilter) -> tuple[RowFilter, ...]:
    return tuple(replace(f, exclude=f.exclude is not (f is turned)) for f in where)


def _row_of(where: Sequence[RowFilter]) -> Happening | None:
    """Return a row that passes all of these filters; None if there can be none."""
    chosen: dict[str, Any] = {"name": "coffee_brewed"}
    for field in {f.field for f in where}:
        own = [f for f in where if f.field == field]
        other = "coffee_brewed" if field == "name" else None
        fit = [
            value
            for value in (*VALUES[field], other)
            if all((value in f.values) is not f.exclude for f in own)
        ]
        if not fit:
            return None
        value = fit[0]
        chosen[ATTRIBUTES[field]] = int(value) if value and field == "quantity" else value
    return Happening(datetime(2024, 1, 1, tzinfo=UTC), **chosen)


@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    story=stories(),
    grants=st.lists(GRANTS, min_size=1, max_size=2) | st.lists(GRANTS, max_size=2),
    is_covered=st.sampled_from([True, True, False]),
)
def test_a_figure_is_what_a_walk_over_the_granted_rows_finds(
    story: tuple[list[Happening], dict[str, Any]],
    grants: list[Grant],
    is_covered: bool,
    changing: Shop,
):
    events, asked = story
    events = [*events, *probes(grants)]
    if is_covered:  # so that most examples come to figures
        own = [m for m in asked["metrics"] if _is_covered(grants, m) and m != "events"]
        asked = asked | {"metrics": ["events", *own]}
    first = asked["start"].replace(tzinfo=UTC)
    span = asked["days"] * 24 * 3600
    events = [  # all in the period, so that there is something to leave out
        replace(event, at=first + timedelta(seconds=event.at.timestamp() % span))
        for event in events
    ]
    changing.holds_in_two_steps(events) if asked["rolled"] else changing.holds(events)
    end = asked["start"] + timedelta(days=asked["days"])
    metrics = asked["metrics"]
    query = Query(
        tuple(metrics),
        asked["grain"],
        asked["by"],
        f"{asked['start']:%Y-%m-%dT%H:%M}..{end:%Y-%m-%dT%H:%M}",
    )
    workspace = Settings(timezone="UTC", week_start=asked["week_start"], currency="GBP")
    scope = Scope("p1", tuple(grants))
    if any(not _is_covered(grants, metric) for metric in metrics):
        with pytest.raises(Forbidden, match="No single grant of p1"):
            ask(changing, scope, query, workspace)
        return

    found = ask(changing, scope, query, workspace).frame.rows()

    expected = _walked(events, asked, grants, end)
    width = len(asked["by"]) + (asked["grain"] is not None)
    assert [row[:width] for row in found] == [row[:width] for row in expected]
    for row, wanted in zip(found, expected, strict=True):
        assert row[width:] == tuple(
            pytest.approx(figure) if isinstance(figure, float) else figure
            for figure in wanted[width:]
        )


def _is_covered(grants: Sequence[Grant], metric: str) -> bool:
    return any(set(catalog.metric(metric).tags) <= set(grant.tags) for grant in grants)


def _walked(
    events: list[Happening], asked: dict[str, Any], grants: Sequence[Grant], end: datetime
) -> list[tuple[object, ...]]:
    """Return what the frame must hold: each metric of its own rows, side by side."""
    apart: dict[tuple[Any, ...], list[str]] = {}
    for metric in asked["metrics"]:
        tags = catalog.metric(metric).tags
        ways = frozenset(grant.where for grant in grants if set(tags) <= set(grant.tags))
        apart.setdefault((() in ways, () if () in ways else ways), []).append(metric)
    width = len(asked["by"]) + (asked["grain"] is not None)
    figures: dict[tuple[object, ...], dict[str, object]] = {}
    for (is_all, _), names in apart.items():
        tags = catalog.metric(names[0]).tags
        seen = [event for event in events if shows(grants, tags, event)]
        walk = Walk(
            events=seen,
            start=asked["start"],
            end=end,
            until=known_until(events, names) if is_all else _known_of(seen, names),
            zone=ZoneInfo("UTC"),
            grain=asked["grain"],
            by=asked["by"],
            week_start=asked["week_start"],
            unfiltered=_numbered_as(events, seen),
        )
        for row in walk.rows(names):
            figures.setdefault(row[:width], {}).update(zip(names, row[width:], strict=True))
    rows = [
        (*key, *(known.get(m, None if m in NULLABLE else 0) for m in asked["metrics"]))
        for key, known in figures.items()
    ]
    return sorted(rows, key=lambda row: [(part is None, part or "") for part in row[:width]])


def _known_of(seen: list[Happening], metrics: list[str]) -> datetime:
    """Return up to when somebody who sees these events alone can know of anything."""
    looks_at = [(WITHIN | TO_DATE | TRAILING).get(m, ((), None))[0] for m in metrics]
    names = {name for names in looks_at for name in names}
    of_it = [e.at for e in seen if not all(looks_at) or e.name in names]
    return max(of_it) + timedelta(microseconds=1) if of_it else NOW


def _numbered_as(events: list[Happening], seen: list[Happening]) -> list[Happening]:
    numbers = {id(event): number for number, event in enumerate(events)}
    return [replace(event, id=f"shop:{numbers[id(event)]}") for event in seen]


@pytest.fixture(scope="module", params=["from events", "from rollups"])
def trap(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Shop]:
    """The awkward shop, and one secret order in a secret country, the newest of all."""
    secret = told("2024-06-06", PLACED, "777.77", order="S", customer="mallory",
                  country="Secretia", plan="pro", channel="whisper", currency="USD",
                  product="submarine")  # fmt: skip
    with Shop.at(tmp_path_factory.mktemp("trap")) as opened:
        story = [*EVENTS, secret]
        is_rolled = request.param == "from rollups"
        yield opened.holds_in_two_steps(story) if is_rolled else opened.holds(story)


NOT_THERE = Scope(
    "p7",
    (Grant(frozenset({"revenue"}), (RowFilter("country", ("Secretia",), exclude=True),)),),
)
SECRETS = ("Secretia", "777", "whisper", "USD", "submarine", "mallory", "2024-06")


@pytest.mark.parametrize(
    "query",
    [
        Query.of("revenue", "orders", "customers_to_date", "sessions", "monthly_active_users"),
        Query.of("revenue", by="country"),
        Query.of("events", "revenue", grain="month", by=("channel", "country")),
        Query.of("orders", by="product", compare=True, period="2024-01-01..2024-07-01"),
        Query.of("events", where={"event": PLACED}, by="country"),
    ],
    ids=["totals", "breakdown", "grain", "comparison", "filter"],
)
def test_nothing_of_a_row_that_is_not_granted_is_told(trap: Shop, query: Query):
    answer = ask(trap, NOT_THERE, query)

    assert not [secret for secret in SECRETS if secret in str(answer.rows())]
    assert not [secret for secret in SECRETS[:-1] if secret in str(answer.provenance)]
    assert "2024-06-06" not in str(answer.provenance)


def test_a_total_is_the_same_with_the_row_and_without_it(trap: Shop, tmp_path: Path):
    query = Query.of("revenue", "orders", "customers", "events", grain="quarter")
    with Shop.at(tmp_path) as without:
        expected = ask(without.holds(EVENTS), OWNER, query)

    found = ask(trap, NOT_THERE, query)

    assert found.frame.rows() == expected.frame.rows()
    for counted in ("rows_read", "late"):
        assert found.provenance[counted] == expected.provenance[counted]
    assert found.provenance["policy"]["revenue"].startswith("revenue carries the tag revenue.")


@pytest.mark.parametrize("dimension", ["country", "channel", "product", "currency"])
def test_values_to_choose_from_are_those_of_granted_rows(trap: Shop, dimension: str):
    found = values(trap, NOT_THERE, dimension)

    assert found == [] or not set(SECRETS) & set(found)
    assert set(SECRETS) & set(values(trap, OWNER, dimension))


def test_a_value_that_is_not_granted_is_refused_as_one_that_does_not_exist(trap: Shop):
    told_apart = []
    for value in ("Secretia", "Secretix"):
        with pytest.raises(UnknownName) as refused:
            ask(trap, NOT_THERE, Query.of("orders", where={"country": value}))
        told_apart.append(str(refused.value).replace(value, "…"))

    assert told_apart[0] == told_apart[1]


def test_an_earlier_moment_shows_no_more(trap: Shop):
    query = Query.of("revenue", "events", by="country", as_of="2040-01-01T00:00:00Z")

    found = ask(trap, NOT_THERE, query)

    assert "Secretia" not in str(found.rows())
    assert found.frame["revenue"].sum() != 0


def test_a_metric_whose_tags_are_not_granted_is_refused_with_the_reason(trap: Shop):
    nobody = Scope("p9", (Grant(frozenset({"health"}), name="4"),))

    with pytest.raises(Forbidden) as refused:
        ask(trap, nobody, Query.of("orders", "revenue"))

    assert str(refused.value) == (
        "revenue carries the tag revenue. No single grant of p9 covers that. "
        "Grants: 4 (health). An admin can add one."
    )


def test_who_has_no_grant_sees_nothing(trap: Shop):
    for query in (Query.of("orders"), Query.of("events", by="country")):
        with pytest.raises(Forbidden):
            ask(trap, Scope("p9"), query)
    with pytest.raises(Forbidden):
        values(trap, Scope("p9"), "country")
    with pytest.raises(DefinitionError, match="at least one metric"):
        ask(trap, Scope("p9"), Query(()))


def test_a_reader_that_was_told_no_rows_reads_none(trap: Shop):
    with trap.warehouse.reader(NOT_THERE) as reader:
        for read in (
            lambda: reader.frame("SELECT * FROM events"),
            reader.extents,
            reader.ledger,
            reader.sources,
            lambda: reader.rejects("shop", limit=5),
            lambda: reader.rejected_parts("shop"),
            lambda: reader.stream_watermarks("shop"),
        ):
            with pytest.raises(Forbidden):
                read()


def test_the_same_reader_sees_again_what_it_saw_before(trap: Shop):
    few = NOT_THERE.figures({"revenue"})
    count = "SELECT count(*) FROM events WHERE retired IS NULL"
    with trap.warehouse.reader(OWNER) as reader:
        whole = reader.frame(count).item()
        with reader.seeing(few) as narrowed:
            assert narrowed.frame(count).item() == whole - 1
        assert reader.frame(count).item() == whole
        assert reader.rolled.has_members


@pytest.mark.parametrize("role", list(Role))
def test_by_default_every_role_has_every_figure_of_the_catalogue(trap: Shop, role: Role):
    query = Query.of("revenue", "orders", by="country", where={"currency": "GBP"})

    found = ask(trap, scope_of_role(role, "p3"), query)

    expected = ask(trap, OWNER, query)
    assert found.frame.equals(expected.frame)
    assert found.provenance["rejected"] == expected.provenance["rejected"]
