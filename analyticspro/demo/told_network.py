"""What the partner platform records: contracts, credits, events, styles; and who paid."""

from __future__ import annotations

import numpy as np
import polars as pl

from analyticspro.demo.credits import NAMES, Entries
from analyticspro.demo.network import Network
from analyticspro.demo.pictures import Pictures, style_times
from analyticspro.demo.records import instants, known, numbered, of_partner
from analyticspro.demo.rhythm import HOURS_PER_MONTH, Floats, Ints, Timeline
from analyticspro.demo.trade import KINDS, STYLES, TIERS

__all__ = ["contracts", "events", "ledger", "payments", "styles"]

_YEAR = 12 * HOURS_PER_MONTH
_RISE = 1.06  # of a contract's value, each time it is renewed


def contracts(timeline: Timeline, network: Network) -> pl.DataFrame:
    """Return id, type, at, partner, name, kind, tier, status; and of contracts their terms.

    These are value, starts_at and ends_at; null where `type` is not contract_signed or
    contract_renewed. The others are partner_applied, …_approved, …_suspended, …_reinstated
    and …_deactivated; `status` is what the partner is from then on.
    """
    every = np.arange(len(network.tier))
    paused = np.flatnonzero(network.paused[:, 1] > network.paused[:, 0])
    gone = np.flatnonzero(np.isfinite(network.left))
    changes = (
        ("partner_applied", "applied", every, network.applied),
        ("partner_approved", "active", every, network.approved),
        ("partner_suspended", "suspended", paused, network.paused[paused, 0]),
        ("partner_reinstated", "active", paused, network.paused[paused, 1]),
        ("partner_deactivated", "deactivated", gone, network.left[gone]),
    )
    frames = [
        _change(timeline, network, name, who, at).with_columns(
            pl.lit(status).alias("status"),
            value=pl.lit(None, pl.Int64),
            starts_at=pl.lit(None, pl.Datetime("us", "UTC")),
            ends_at=pl.lit(None, pl.Datetime("us", "UTC")),
        )
        for name, status, who, at in changes
    ]
    for year, who, value in _years(timeline, network):
        at = network.approved[who] + year * _YEAR + 0.5
        name = "contract_renewed" if year else "contract_signed"
        frames.append(
            _change(timeline, network, name, who, at).with_columns(
                pl.lit("active").alias("status"),
                value=pl.Series(value),
                starts_at=instants(timeline, at),
                ends_at=instants(timeline, at + _YEAR),
            )
        )
    found = pl.concat(frames).filter(pl.col("at") < instants(timeline, _end(timeline))[0])
    return known(found, "change")


def ledger(timeline: Timeline, network: Network, entries: Entries) -> pl.DataFrame:
    """Return id, type, at, partner, name, kind, tier, event, credits, amount.

    `event` is null unless credits are set aside for one, used by it or come back from it;
    `amount` unless they were bought.
    """
    frame = of_partner(network, entries.partner).with_columns(
        type="credits_" + pl.Series(NAMES).gather(entries.kind),
        at=instants(timeline, entries.at),
        event=numbered("evt", entries.event + 1),
        credits=pl.Series(entries.credits),
        amount=pl.when(pl.Series(entries.amount > 0)).then(pl.Series(entries.amount)),
    )
    return known(frame, "entry")


def events(
    rng: np.random.Generator,
    timeline: Timeline,
    network: Network,
    entries: Entries,
    pictures: Pictures,
) -> pl.DataFrame:
    """Return the states of each event, one after the other: a later one replaces an earlier.

    Columns: id (of the event), revision (1, 2, 3), status (planned; then held or cancelled;
    some that were held are corrected once), partner, name, kind, tier, starts_at, guests,
    credits_allocated, credits_used and pictures (0 until it was held), known_at.
    """
    count = len(network.starts)
    allocated = np.zeros(count, np.int64)
    own = entries.kind == NAMES.index("allocated")
    allocated[entries.event[own]] = entries.credits[own]
    is_of_event = pictures.event >= 0
    asked = np.bincount(pictures.event[is_of_event], minlength=count)
    used = np.bincount(pictures.event[is_of_event & pictures.is_done], minlength=count)
    held, off = np.flatnonzero(network.is_held), np.flatnonzero(~network.is_held)
    # The last pictures of an offline booth come the next day.
    over = network.ends + 0.2
    corrected = held[rng.random(len(held)) < 0.06]
    later = over + rng.uniform(24, 60, count)
    found = []
    for revision, status, which, at in (
        (1, "planned", np.arange(count), network.created),
        (2, "cancelled", off, network.cancelled),
        (2, "held", held, over),
        (3, "held", corrected, later),
    ):
        is_over = status == "held"
        found.append(
            of_partner(network, network.partner[which]).with_columns(
                pl.lit(revision, pl.Int64).alias("revision"),
                pl.lit(status).alias("status"),
                id=numbered("evt", which + 1),
                kind=pl.Series([kind.name for kind in KINDS]).gather(network.event_kind[which]),
                starts_at=instants(timeline, network.starts[which]),
                guests=pl.Series(network.guests[which] + 3 * (revision == 3)),
                credits_allocated=pl.Series(allocated[which] * is_over),
                credits_used=pl.Series(used[which] * is_over),
                pictures=pl.Series(asked[which] * is_over),
                known_at=instants(timeline, at[which]),
            )
        )
    return pl.concat(found).sort("known_at", "id")


def styles(timeline: Timeline) -> pl.DataFrame:
    """Return id, type (style_added, style_retired), at, style and category."""
    added, retired = style_times(timeline)
    opening = timeline.opening + 0.1
    found = [
        ("style_added", style, at if np.isfinite(at) else opening)
        for style, at in zip(STYLES, added, strict=True)
    ]
    found += [
        ("style_retired", style, at)
        for style, at in zip(STYLES, retired, strict=True)
        if np.isfinite(at)
    ]
    frame = pl.DataFrame(
        {
            "type": [name for name, _, _ in found],
            "style": [style.name for _, style, _ in found],
            "category": [style.category for _, style, _ in found],
            "at": instants(timeline, np.array([at for _, _, at in found])),
        }
    )
    return known(frame, "style")


def payments(timeline: Timeline, network: Network) -> pl.DataFrame:
    """Return id, at, partner, name, tier and amount: a twelfth of a contract a month, by bank."""
    found = []
    for year, who, value in _years(timeline, network):
        for month in range(12):
            at = network.approved[who] + year * _YEAR + (month + 0.1) * HOURS_PER_MONTH
            paid = np.flatnonzero(at < np.minimum(network.left[who], timeline.hours))
            partners = of_partner(network, who[paid]).drop("kind")
            found.append(
                partners.with_columns(
                    at=instants(timeline, at[paid]), amount=pl.Series(value[paid] // 12)
                )
            )
    return known(pl.concat(found), "transfer")


def _change(timeline: Timeline, network: Network, name: str, who: Ints, at: Floats) -> pl.DataFrame:
    return of_partner(network, who).with_columns(
        pl.lit(name).alias("type"), at=instants(timeline, at)
    )


def _years(timeline: Timeline, network: Network) -> list[tuple[int, Ints, Ints]]:
    """Return the years that contracts run for: which partners begin one, and its value."""
    value = np.array([tier.value for tier in TIERS])[network.tier]
    stay = np.minimum(network.left, timeline.hours) - network.approved
    found = []
    for year in range(int(np.ceil(stay.max() / _YEAR))):
        who = np.flatnonzero(stay > year * _YEAR + 1)
        worth = np.round(value[who] * _RISE**year / 1200) * 1200
        found.append((year, who, worth.astype(np.int64)))
    return found


def _end(timeline: Timeline) -> Floats:
    return np.array([float(timeline.hours)])
