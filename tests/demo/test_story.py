"""Whatever its seed, the company's story is the same every time and holds together."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from analyticspro.demo import STREAMS, Tale, incidents, tell
from analyticspro.errors import DefinitionError

FIRST = datetime(2026, 5, 20, 14, tzinfo=UTC)
LOGS = ("requests", "checks")  # told hour by hour, from a few days or months back
WHOLE = 0.1  # of what is asked for, from some thousands on

stories = given(
    seed=st.integers(0, 2**32),
    events=st.integers(500, 6000),
    first=st.datetimes(datetime(2015, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC)),
)
few = settings(max_examples=6, deadline=None)


@pytest.fixture(scope="module")
def tale() -> Tale:
    """The story as `analyticspro demo` tells it."""
    return tell(first=FIRST)


def whole(tale: Tale, stream: str) -> pl.DataFrame:
    return tale.between(stream, None, tale.end)


def during(frame: pl.DataFrame, stretch: tuple[datetime, datetime]) -> pl.DataFrame:
    return frame.filter(pl.col("at").is_between(*stretch, closed="left"))


def test_it_has_about_the_events_asked_for(tale: Tale):
    counts = {stream: tale.between(stream, None, FIRST).height for stream in STREAMS}
    assert sum(counts.values()) == pytest.approx(200_000, rel=WHOLE)
    assert min(counts.values()) > 20


@pytest.mark.parametrize("stream", STREAMS)
def test_what_is_known_of_it_only_grows(stream: str):
    """Told in one go or in steps, from one end or the other: it is the same."""
    tale = tell(events=3000, seed=3, first=FIRST)
    again = tell(events=3000, seed=3, first=(FIRST + timedelta(minutes=59)))
    edges = [
        None,
        FIRST - timedelta(hours=31, minutes=7),
        FIRST,
        FIRST + timedelta(minutes=13, seconds=5),
        FIRST + timedelta(days=3),
    ]
    steps = [again.between(stream, a, b) for a, b in pairwise(edges) if b is not None]
    assert_frame_equal(pl.concat(steps), tale.between(stream, None, edges[-1]))


def test_it_goes_on_where_it_was(tale: Tale):
    """Behind its first hour there is about as much as before."""
    day = timedelta(days=28)
    for stream in ("web", "orders", "pictures", "subscriptions", "credits", "tickets", "requests"):
        before = tale.between(stream, FIRST - day / 4, FIRST).height
        after = tale.between(stream, FIRST, FIRST + day / 4).height
        assert 0.4 < after / before < 2.5, stream


def test_another_seed_is_another_company():
    one, other = (tell(events=1000, seed=seed, first=FIRST) for seed in (1, 2))
    assert not whole(one, "web").equals(whole(other, "web"))
    assert not one.between("requests", None, FIRST).equals(other.between("requests", None, FIRST))


def test_the_zone_in_which_the_hour_is_written_does_not_matter():
    elsewhere = FIRST.astimezone(timezone(timedelta(hours=9)))
    one, other = (tell(events=1000, first=first) for first in (FIRST, elsewhere))
    assert_frame_equal(whole(one, "orders"), whole(other, "orders"))


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"events": 499, "first": FIRST}, "Ask for 500 or more"),
        ({"first": FIRST.replace(tzinfo=None)}, "no time zone"),
    ],
)
def test_what_cannot_be_told_is_refused(given: dict[str, object], reason: str):
    with pytest.raises(DefinitionError, match=reason):
        tell(**given)  # type: ignore[arg-type]


def test_a_story_ends_after_a_year(tale: Tale):
    assert tale.end - FIRST > timedelta(days=364)
    with pytest.raises(DefinitionError, match="Begin another"):
        tale.between("web", FIRST, tale.end + timedelta(seconds=1))


@few
@stories
def test_records_are_numbered_and_in_order(seed: int, events: int, first: datetime):
    tale = tell(events=events, seed=seed, first=first)
    for stream in STREAMS:
        if stream in LOGS:
            continue
        told = whole(tale, stream)
        key = ["id", "revision"] if stream == "events" else ["id"]
        assert told.select(key).is_unique().all(), stream
        assert told["known_at"].is_sorted(), stream
        assert told["known_at"].null_count() == 0
        assert told["known_at"].min() > first - timedelta(days=560)
        if "at" in told.columns:
            assert (told["at"] <= told["known_at"]).all(), stream


@few
@stories
def test_credits_used_never_exceed_those_there_were(seed: int, events: int, first: datetime):
    tale = tell(events=events, seed=seed, first=first)
    effect = {
        "credits_granted": (1, 0),
        "credits_bought": (1, 0),
        "credits_allocated": (-1, 1),
        "credits_used": (0, -1),
        "credits_released": (1, -1),
    }
    free: dict[str, int] = {}
    held: dict[tuple[str, str], int] = {}
    for row in whole(tale, "credits").iter_rows(named=True):
        of_partner, of_event = effect[row["type"]]
        free[row["partner"]] = free.get(row["partner"], 0) + of_partner * row["credits"]
        place = row["partner"], row["event"]
        held[place] = held.get(place, 0) + of_event * row["credits"]
        assert free[row["partner"]] >= 0
        assert held[place] >= 0
        assert (row["amount"] is not None) == (row["type"] == "credits_bought")
    made = whole(tale, "pictures").filter(pl.col("status") == "done").drop_nulls("event")
    booked = whole(tale, "credits").filter(pl.col("type") == "credits_used")
    counted = made.group_by("event").agg(made=pl.len())
    both = booked.join(counted, on="event", how="left").with_columns(pl.col("made").fill_null(0))
    assert (both["made"] == both["credits"]).all()


@few
@stories
def test_people_at_home_use_no_more_than_they_got(seed: int, events: int, first: datetime):
    tale = tell(events=events, seed=seed, first=first)
    got = pl.concat(
        [
            whole(tale, "people").select("user", "at", change="credits"),
            whole(tale, "packs").select("user", "at", change="credits"),
        ]
    )
    made = whole(tale, "pictures").filter(pl.col("status") == "done").drop_nulls("user")
    used = made.select("user", "at", change=pl.lit(-1, pl.Int64))
    balance = (
        pl.concat([got, used]).sort("at").with_columns(pl.col("change").cum_sum().over("user"))
    )
    assert balance["change"].min() >= 0
    assert set(made["user"]) <= set(whole(tale, "people")["user"])


@few
@stories
def test_partners_do_nothing_outside_their_time(seed: int, events: int, first: datetime):
    tale = tell(events=events, seed=seed, first=first)
    changes = whole(tale, "partners")
    of = {
        kind: changes.filter(type=f"partner_{kind}").select("partner", pl.col("at").alias(kind))
        for kind in ("applied", "approved", "deactivated", "suspended", "reinstated")
    }  # fmt: skip
    known = of["approved"].join(of["applied"], on="partner")
    assert known.height == of["applied"].height
    assert (known["applied"] < known["approved"]).all()
    last = whole(tale, "events").unique("id", keep="last").filter(pl.col("status") == "held")
    held = last.join(of["approved"], on="partner")
    assert held.height == last.height
    assert (held["starts_at"] > held["approved"]).all()
    gone = held.join(of["deactivated"], on="partner")
    assert (gone["starts_at"] < gone["deactivated"]).all()
    paused = held.join(of["suspended"], on="partner").join(of["reinstated"], on="partner")
    assert not paused["starts_at"].is_between(paused["suspended"], paused["reinstated"]).any()
    paid = whole(tale, "payments").join(of["deactivated"], on="partner")
    assert (paid["at"] < paid["deactivated"]).all()
    drawn = whole(tale, "pictures").drop_nulls("event").join(of["deactivated"], on="partner")
    assert (drawn["at"] < drawn["deactivated"]).all()


@few
@stories
def test_events_go_from_planned_to_held_or_cancelled(seed: int, events: int, first: datetime):
    tale = tell(events=events, seed=seed, first=first)
    told = whole(tale, "events").sort("id", "revision")
    states = told.group_by("id", maintain_order=True).agg("status", "revision", "known_at")
    ways = {tuple(row) for row in states["status"].to_list()}
    assert ways <= {
        ("planned",),
        ("planned", "held"),
        ("planned", "cancelled"),
        ("planned", "held", "held"),
    }
    assert all(times == sorted(times) for times in states["known_at"].to_list())
    assert all(
        numbers == list(range(1, len(numbers) + 1)) for numbers in states["revision"].to_list()
    )
    held = told.filter(pl.col("status") == "held")
    assert (held["credits_used"] <= held["credits_allocated"]).all()
    assert (held["credits_used"] <= held["pictures"]).all()


@few
@stories
def test_subscriptions_add_up(seed: int, events: int, first: datetime):
    tale = tell(events=events, seed=seed, first=first)
    told = whole(tale, "subscriptions")
    states = told.drop_nulls("mrr_change").sort("at", maintain_order=True)
    worth = states.with_columns(pl.col("mrr_change").cum_sum().over("subscription").alias("sum"))
    assert (worth["sum"] == worth["mrr"]).all()
    assert (worth["mrr"] >= 0).all()
    ended = states.filter(pl.col("type") == "subscription_cancelled")
    assert (ended["mrr"] == 0).all()
    begun = states.filter(pl.col("type") == "subscription_started")
    assert begun["subscription"].is_unique().all()
    money = told.drop_nulls("amount").join(
        begun.select("subscription", begun="at"), on="subscription", how="left"
    )
    money = money.join(ended.select("subscription", ended="at"), on="subscription", how="left")
    assert (money["at"] >= money["begun"]).all()
    assert (money["at"] <= money["ended"].fill_null(tale.end)).all()
    later = states.join(ended.select("subscription", ended="at"), on="subscription")
    assert (later["at"] <= later["ended"]).all()
    moved = states.filter(pl.col("type") == "subscription_upgraded")["mrr_change"]
    assert (moved > 0).all()


@few
@stories
def test_a_ticket_is_replied_to_before_it_is_resolved(seed: int, events: int, first: datetime):
    tale = tell(events=events, seed=seed, first=first)
    told = whole(tale, "tickets")
    steps = told.pivot("type", index="ticket", values="at", aggregate_function="first")
    assert steps["ticket_opened"].null_count() == 0
    both = steps.drop_nulls("ticket_replied")
    assert (both["ticket_opened"] < both["ticket_replied"]).all()
    done = steps.drop_nulls("ticket_resolved")
    assert done["ticket_replied"].null_count() == 0
    assert (done["ticket_replied"] < done["ticket_resolved"]).all()
    assert told["csat"].drop_nulls().is_between(1, 5).all()
    assert told.drop_nulls("csat")["type"].unique().to_list() in ([], ["ticket_resolved"])


@few
@stories
def test_styles_are_used_while_they_are_offered(seed: int, events: int, first: datetime):
    tale = tell(events=events, seed=seed, first=first)
    styles = whole(tale, "styles")
    added = styles.filter(pl.col("type") == "style_added").select("style", added="at")
    retired = styles.filter(pl.col("type") == "style_retired").select("style", retired="at")
    used = whole(tale, "pictures").join(added, on="style", how="left")
    assert used["added"].null_count() == 0
    assert (used["at"] >= used["added"]).all()
    over = used.join(retired, on="style")
    assert (over["at"] <= over["retired"]).all()


@few
@stories
def test_checks_observe_every_second_once(seed: int, events: int, first: datetime):
    tale = tell(events=events, seed=seed, first=first)
    hour = first.replace(minute=0, second=0, microsecond=0)
    told = tale.between("checks", None, hour + timedelta(days=2))
    for _, own in told.group_by("monitor"):
        ends = own.select(pl.col("at") + pl.duration(seconds="seconds")).to_series()
        assert (ends[:-1] == own["at"][1:]).all()


def test_the_network_has_the_figures_of_a_platform(tale: Tale):
    told = tale.between("partners", None, FIRST)
    approved = told.filter(pl.col("type") == "partner_approved").height
    gone = told.filter(pl.col("type") == "partner_deactivated").height
    assert 20 < approved < 80
    assert 0.02 < gone / approved < 0.4
    held = tale.between("events", None, FIRST).filter(pl.col("status") == "held").unique("id")
    pictures = tale.between("pictures", None, FIRST)
    each = pictures.drop_nulls("event").height / held.height
    assert 45 < each < 160
    entries = tale.between("credits", None, FIRST)
    total = {kind: own["credits"].sum() for (kind,), own in entries.group_by("type")}
    used = total["credits_used"] / (total["credits_granted"] + total["credits_bought"])
    assert 0.5 < used < 0.95
    assert entries.filter(pl.col("type") == "credits_bought").height > 30
    pictured = pictures.drop_nulls("user").filter(pl.col("at") > FIRST - timedelta(days=30))
    active = pictured["user"].n_unique() / tale.between("people", None, FIRST).height
    assert 0.1 < active < 0.45
    assert tale.between("packs", None, FIRST)["amount"].max() > 50_000  # one above $500


def test_nobody_could_pay_while_payments_were_down(tale: Tale):
    outage = incidents(FIRST).payment_outage
    assert during(whole(tale, "packs"), outage).is_empty()
    money = during(whole(tale, "subscriptions").drop_nulls("amount"), outage)
    assert money["type"].unique().to_list() == ["subscription_payment_failed"]
    checks = tale.between("checks", None, FIRST)
    failed = during(checks.filter(~pl.col("is_passed")), outage)
    assert failed.filter(pl.col("monitor") == "payments")["seconds"].sum() == 9 * 3600
    tickets = whole(tale, "tickets").filter(
        pl.col("type") == "ticket_opened", pl.col("topic") == "billing"
    )
    usual = during(tickets, (outage[0] - timedelta(weeks=1), outage[1] - timedelta(weeks=1)))
    assert during(tickets, outage).height > usual.height + 5


def test_pictures_fail_while_the_generation_is_down(tale: Tale):
    outage = incidents(FIRST).generation_outage
    pictures = whole(tale, "pictures")
    inside = during(pictures, outage)
    assert inside.height > 20
    assert (inside["status"] == "failed").mean() > 0.75
    assert inside["seconds"].mean() > 3 * pictures["seconds"].mean()
    assert (pictures["status"] == "failed").mean() < 0.03
    assert inside.filter(pl.col("status") == "failed")["error"].null_count() == 0
    failed = tale.between("checks", None, FIRST).filter(~pl.col("is_passed"))
    own = during(failed.filter(pl.col("monitor") == "generation"), outage)
    assert own["seconds"].sum() == 95 * 60
    tickets = whole(tale, "tickets").filter(pl.col("topic") == "pictures")
    after = during(
        tickets.filter(pl.col("type") == "ticket_opened"),
        (outage[0], outage[1] + timedelta(hours=14)),
    )
    assert after.height > 4  # fmt: skip


def test_uptime_is_below_its_target_because_of_the_outages(tale: Tale):
    checks = tale.between("checks", None, FIRST)
    up = {
        monitor: own.filter("is_passed")["seconds"].sum() / own["seconds"].sum()
        for (monitor,), own in checks.group_by("monitor")
    }
    assert 0.99 < up["payments"] < 0.997
    assert up["website"] > 0.995


def test_a_faulty_release_raises_errors_and_response_times(tale: Tale):
    release = incidents(FIRST).faulty_release
    requests = tale.between("requests", None, FIRST)
    inside, failed = during(requests, release), pl.col("status") >= 500
    assert inside.height > 20
    assert inside.select(failed.mean()).item() > 0.05
    assert requests.select(failed.mean()).item() < 0.01
    assert inside["seconds"].mean() > 2.5 * requests["seconds"].mean()


def test_someone_tried_to_break_in(tale: Tale):
    window = incidents(FIRST).break_in
    tried = during(whole(tale, "audit").filter(pl.col("type") == "sign_in_failed"), window)
    assert tried.height >= 60
    assert tried["address"].mode().to_list() == ["198.51.100.77"]


def test_the_booths_that_are_offline_tell_a_day_later(tale: Tale):
    pictures = whole(tale, "pictures")
    late = pictures.filter(pl.col("known_at") - pl.col("at") > timedelta(hours=6))
    assert 0.01 < late.height / pictures.height < 0.12
