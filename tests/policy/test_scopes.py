"""What a scope shows follows from its grants: united, never combined."""

from __future__ import annotations

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyticspro.errors import DefinitionError
from analyticspro.metrics import catalog
from analyticspro.metrics.model import measures
from analyticspro.policy import (
    CREDIT_EVENTS,
    DEFAULT_GRANTS,
    FIELD_TAGS,
    OWNER,
    UNTAGGED,
    Grant,
    Role,
    RowFilter,
    Rows,
    Scope,
    Tag,
    property_tags,
    scope_of_role,
)

# As agreed (permissions.md): x, aggregates only (a), or not at all.
AGREED = """
revenue  x x x a
pii      x . . .
health   x x x .
credits  x x x a
security x . . .
"""


def agreed() -> list[tuple[Role, str, str]]:
    rows = [line.split() for line in AGREED.strip().splitlines()]
    return [
        (role, tag, mark) for tag, *marks in rows for role, mark in zip(Role, marks, strict=True)
    ]


@pytest.mark.parametrize(("role", "tag", "mark"), agreed())
def test_by_default_a_role_sees_what_was_agreed(role: Role, tag: str, mark: str):
    scope = scope_of_role(role, "p1")

    assert scope.figures({tag}).is_all is (mark != ".")
    assert scope.records({tag}).is_all is (mark == "x")
    assert scope.figures(()).is_all
    assert scope.records(()).is_all


def test_the_table_of_tags_is_whole():
    assert [str(tag) for tag in Tag] == list(dict.fromkeys(tag for _, tag, _ in agreed()))
    assert set(DEFAULT_GRANTS) == set(Role)


def test_grants_are_united_but_never_combined():
    scope = Scope("p1", (Grant(frozenset({"revenue"})), Grant(frozenset({"pii"}))))

    assert scope.figures({"revenue"}).is_all
    assert scope.figures({"pii"}).is_all
    assert scope.figures({"revenue", "pii"}).is_none


def test_rows_of_several_grants_are_those_of_either():
    us, fr = (RowFilter("country", (code,)) for code in ("US", "FR"))
    scope = Scope("p1", (Grant(frozenset({"pii"}), (us,)), Grant(frozenset(), (fr,))))

    assert scope.records().has({"country": "US"})
    assert scope.records().has({"country": "FR"})
    assert not scope.records().has({"country": "IT"})
    assert not scope.records({"pii"}).has({"country": "FR"})


def test_what_nobody_has_tagged_is_for_who_sees_everything():
    assert property_tags([]) == {UNTAGGED}
    for role in Role:
        assert scope_of_role(role, "p1").figures({UNTAGGED}).is_none is (role is not Role.ADMIN)
    assert OWNER.is_unlimited
    assert not Scope("p1").is_unlimited


def test_aggregates_only_are_not_cut_by_what_may_be_as_good_as_the_record():
    viewer = scope_of_role(Role.VIEWER, "p1")

    assert viewer.figures({"revenue"}).is_all
    assert viewer.figures({"revenue"}, declared=False).is_none
    assert not viewer.explain_figure("revenue by coupon", {"revenue"}, declared=False).allowed


def test_the_reason_names_the_grant_and_no_value():
    where = (RowFilter("country", ("Secretia",), exclude=True),)
    scope = Scope("p1", (Grant(frozenset({"revenue"}), where, name="grant 7 of person:p1"),))

    shown, hidden = (scope.explain_figure(what, {what}) for what in ("revenue", "pii"))

    assert shown.allowed
    assert "grant 7 of person:p1 (revenue; rows by country)" in shown.reason
    assert not hidden.allowed
    assert "pii carries the tag pii" in hidden.reason
    assert "Secretia" not in shown.reason + hidden.reason


def test_every_metric_made_of_a_tagged_field_carries_its_tags():
    for metric in catalog.METRICS.values():
        for measure in measures(metric):
            needed = FIELD_TAGS.get(str(measure.column), frozenset())
            assert needed <= set(metric.tags), metric.name


def test_every_metric_of_credits_carries_their_tag():
    of_credits = {
        metric.name
        for metric in catalog.METRICS.values()
        if any({*measure.events} & {*CREDIT_EVENTS} for measure in measures(metric))
    }
    assert of_credits == {
        "partner_credits_added",
        "partner_credits_used",
        "credit_consumption",
        "credits_in_channels",
    }
    assert of_credits == {m.name for m in catalog.METRICS.values() if "credits" in m.tags}
    bare = Scope("p1", (Grant(frozenset({"revenue", "health"})),))
    assert bare.figures({"credits"}).is_none
    for role in Role:
        assert scope_of_role(role, "p1").figures({"credits"}).is_all, role


@pytest.mark.parametrize(
    "text", ["country", "country=", "=US", "co untry=US", 'a"b=1', "x);--=1", "a..b=1", "1a=2"]
)
def test_what_is_no_row_filter_is_refused(text: str):
    with pytest.raises(DefinitionError):
        RowFilter.parse(text)


FIELDS = st.sampled_from(["country", "plan", "team.id"])
WORDS = st.sampled_from(["US", "it's", '"', "$policy_0", "", "5"])
FILTERS = st.builds(
    RowFilter, FIELDS, st.lists(WORDS, min_size=1, max_size=3).map(tuple), st.booleans()
)


@given(
    ways=st.lists(st.lists(FILTERS, max_size=3).map(tuple), max_size=3),
    row=st.fixed_dictionaries({}, optional={"country": WORDS, "plan": WORDS, "team.id": WORDS}),
)
def test_the_sql_tells_rows_apart_as_the_rule_does(
    ways: list[tuple[RowFilter, ...]], row: dict[str, str]
):
    rows, values = Rows.of(*ways), {}

    def bind(value: object) -> str:
        values[f"policy_{len(values)}"] = value
        return f"$policy_{len(values) - 1}"

    columns = "$country::VARCHAR AS country, $plan::VARCHAR AS plan, $team::VARCHAR AS team"
    sql = (
        f"SELECT {rows.sql(bind)} FROM (SELECT *, CASE WHEN team IS NULL THEN '{{}}' ELSE "
        f"json_object('team', json_object('id', team)) END AS properties FROM (SELECT {columns}))"
    )
    told = {"country": row.get("country"), "plan": row.get("plan"), "team": row.get("team.id")}
    with duckdb.connect() as connection:
        [(found,)] = connection.execute(sql, values | told).fetchall()

    expected = any(
        all((row.get(item.field) in item.values) != item.exclude for item in way) for way in ways
    )
    assert found is expected is rows.has(row)
