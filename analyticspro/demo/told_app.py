"""What the app records, and the shop's database, its billing, its support desk, its log."""

from __future__ import annotations

import numpy as np
import polars as pl

from analyticspro.demo.home import FREE_CREDITS, Home
from analyticspro.demo.network import Network
from analyticspro.demo.people import People
from analyticspro.demo.pictures import Pictures
from analyticspro.demo.records import country, instants, known, numbered
from analyticspro.demo.rhythm import HOUR, Ints, Timeline, micros, sample
from analyticspro.demo.trade import PACKS, STYLES, TIERS

__all__ = ["audit", "packs", "people", "pictures", "shop", "subscriptions", "tickets"]

_TEXT = {"country": pl.String, "channel": pl.String, "plan": pl.String, "path": pl.String}
_ORDER = {
    "order_id": pl.String,
    "product_id": pl.String,
    "product": pl.String,
    "quantity": pl.Int64,
}
_ACTIONS = (
    *(("signed_in", 0.60), ("partner_edited", 0.12), ("credits_adjusted", 0.10)),
    *(("style_edited", 0.10), ("data_exported", 0.04), ("sign_in_failed", 0.04)),
)
_ADMINS = ("ines", "marlon", "tove", "hakim")
_AUDITED_FOR = 90 * 24  # hours before the story was begun
_ATTEMPTS = 60


def shop(happened: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Return what the pages and the database of the shop hold of what happened there.

    `web`, `accounts`, `orders` and `reversals` have id, name, at, customer_id, user_id,
    session_id, country, channel and plan; `web` has path besides; `orders` and `reversals`
    have order_id, product_id, product, quantity and amount (negative for what is reversed).
    """
    fields = pl.col("properties").str.json_decode(pl.Struct({**_TEXT, **_ORDER}))
    parsed = happened.with_columns(fields).unnest("properties")
    plain = parsed.select(
        *("name", "customer_id", "user_id", "session_id", *_TEXT, *_ORDER),
        id="event_id",
        known_at="occurred_at",
        at="occurred_at",
        amount="amount_minor",
    ).sort("known_at", "id")
    name = pl.col("name")
    return {
        "web": plain.filter(name.is_in(("session_started", "page_viewed"))).drop(*_ORDER, "amount"),
        "accounts": plain.filter(name == "signed_up").drop(*_ORDER, "amount", "path"),
        "orders": plain.filter(name == "order_placed").drop("path"),
        "reversals": plain.filter(name.is_in(("order_cancelled", "order_refunded"))).drop("path"),
    }


def subscriptions(timeline: Timeline, happened: pl.DataFrame, everyone: People) -> pl.DataFrame:
    """Return what `subscriptions.subscriptions` does, as records.

    With id, type, subscription, customer_id and country, and `at` as an instant.
    """
    kind = pl.col("kind")
    frame = happened.with_columns(
        numbered("cus", happened["customer"].to_numpy() + 1).alias("customer_id"),
        numbered("sub", happened["customer"].to_numpy() + 1).alias("subscription"),
        country(everyone.country[happened["customer"].to_numpy()]).alias("country"),
        at=instants(timeline, happened["at"].to_numpy()),
        type=pl.when(kind == "trial_started").then(kind).otherwise("subscription_" + kind),
    )
    return known(frame.drop("customer", "kind"), "bill")


def pictures(
    timeline: Timeline, network: Network, home: Home, made: Pictures, prefix: str
) -> pl.DataFrame:
    """Return id, at, event, partner, tier, user, country, style, category, seconds, status.

    `event`, `partner` and `tier` are null for people at home, `user` for guests of an event.
    `status` is done or failed; a failed one has an `error` besides, and cost no credit.
    """
    is_at_event = made.event >= 0
    partner = np.where(is_at_event, network.partner[np.maximum(made.event, 0)], -1)
    at_event, at_home = (
        where[np.maximum(number, 0)]
        for where, number in ((network.country, partner), (home.country, made.person))
    )
    tier = network.tier[np.maximum(partner, 0)]
    status = np.where(made.is_done, "done", "failed")
    frame = pl.DataFrame(
        {
            "at": instants(timeline, made.at),
            "known_at": instants(timeline, made.told),
            "event": numbered("evt", made.event + 1),
            "partner": numbered("par", partner + 1),
            "user": numbered("b2c", made.person + 1),
            "country": country(np.where(is_at_event, at_event, at_home)),
            "tier": pl.Series([tier.name for tier in TIERS]).gather(tier),
            "style": pl.Series([style.name for style in STYLES]).gather(made.style),
            "category": pl.Series([style.category for style in STYLES]).gather(made.style),
            "seconds": pl.Series(np.round(made.seconds, 2)),
            "status": pl.Series(status.astype(object), dtype=pl.String),
        }
    )
    ids = numbered(prefix, np.arange(1, len(made.at) + 1))
    error = pl.when(pl.col("status") == "failed").then(pl.lit("model_unavailable"))
    of_partner = pl.when(pl.col("partner").is_not_null()).then("tier")
    return frame.with_columns(ids.alias("id"), error=error, tier=of_partner).sort("known_at", "id")


def people(timeline: Timeline, home: Home) -> pl.DataFrame:
    """Return id, at, user, country and credits (those that a new account is given)."""
    every = np.arange(1, len(home.joined) + 1)
    frame = pl.DataFrame(
        {
            "user": numbered("b2c", every),
            "country": country(home.country),
            "at": instants(timeline, home.joined),
            "credits": pl.Series(np.full(len(every), FREE_CREDITS)),
        }
    )
    return known(frame, "account")


def packs(timeline: Timeline, home: Home) -> pl.DataFrame:
    """Return id, at, user, country, pack, credits and amount of each purchase."""
    frame = pl.DataFrame(
        {
            "user": numbered("b2c", home.buyer + 1),
            "country": country(home.country[home.buyer]),
            "at": instants(timeline, home.bought_at),
            "pack": pl.Series([pack.name for pack in PACKS]).gather(home.pack),
            "credits": pl.Series([pack.credits for pack in PACKS]).gather(home.pack),
            "amount": pl.Series([pack.price for pack in PACKS]).gather(home.pack),
        }
    )
    return known(frame, "sale")


def tickets(timeline: Timeline, opened: pl.DataFrame, everyone: People) -> pl.DataFrame:
    """Return id, type, at, ticket, customer_id, country, topic, channel, priority, minutes, csat.

    `type` is ticket_opened, …_replied or …_resolved; `minutes` since it was opened, null for
    that itself; `csat` is of resolved ones.
    """
    who = np.searchsorted(everyone.joined, opened["opened"].to_numpy()) * opened["asker"].to_numpy()
    plain = opened.select("topic", "channel", "priority").with_columns(
        numbered("ticket", np.arange(1, opened.height + 1)).alias("ticket"),
        numbered("cus", who.astype(np.int64) + 1).alias("customer_id"),
        country(everyone.country[who.astype(np.int64)]).alias("country"),
    )
    found = []
    for step in ("opened", "replied", "resolved"):
        own = plain.with_columns(
            opened[step].alias("hours"),
            pl.lit(f"ticket_{step}").alias("type"),
            minutes=((opened[step] - opened["opened"]) * 60).round().cast(pl.Int64),
            csat=opened["csat"] if step == "resolved" else pl.lit(None, pl.Int64),
        ).filter(pl.col("hours") < timeline.hours)
        if step == "opened":
            own = own.with_columns(minutes=pl.lit(None, pl.Int64))
        found.append(own.with_columns(at=instants(timeline, own["hours"].to_numpy())))
    return known(pl.concat(found).drop("hours"), "note")


def audit(rng: np.random.Generator, timeline: Timeline, events: int) -> pl.DataFrame:
    """Return id, type, at, actor and address: what admins did, and who tried to be one."""
    hours = timeline.hours - timeline.now + _AUDITED_FOR
    count = rng.poisson(hours / 24 * min(max(events / 40_000, 0.5), 12))
    at = timeline.now - _AUDITED_FOR + rng.uniform(0, hours, count)
    action = sample(rng, np.array([share for _, share in _ACTIONS]), count)
    actor = rng.integers(0, len(_ADMINS), count)
    start, end = ((micros(edge) - timeline.start) / HOUR for edge in timeline.incidents.break_in)
    tried = start + rng.random(_ATTEMPTS) * (end - start)
    names: Ints = np.concatenate([action, np.full(_ATTEMPTS, len(_ACTIONS) - 1)])
    frame = pl.DataFrame(
        {
            "type": pl.Series([name for name, _ in _ACTIONS]).gather(names),
            "at": instants(timeline, np.concatenate([at, tried])),
            "actor": pl.Series(_ADMINS).gather(np.concatenate([actor, np.zeros(_ATTEMPTS, int)])),
            "address": ["10.0.0.4"] * count + ["198.51.100.77"] * _ATTEMPTS,
        }
    )
    return known(frame, "act")
