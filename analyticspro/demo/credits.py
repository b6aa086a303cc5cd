"""Credits: granted by contract, bought, set aside for events, used by pictures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analyticspro.demo.network import Network
from analyticspro.demo.rhythm import HOURS_PER_MONTH, Floats, Ints, Timeline
from analyticspro.demo.trade import TIERS

__all__ = ["Entries", "account"]

_YEAR = 12 * HOURS_PER_MONTH
GRANTED, BOUGHT, ALLOCATED, USED, RELEASED = range(5)
NAMES = ("granted", "bought", "allocated", "used", "released")
_PACK, _PACK_CENTS = 100, 2_900


@dataclass(frozen=True)
class Entries:
    """The partners' ledger, in order of time.

    Attributes:
        partner: Position in the network.
        event: Position of the event; -1 for none.
        kind: Position in NAMES.
        credits: How many; never negative.
        amount: Paid for them, in cents; 0 for those that are not bought.
        at: In hours of the timeline.
    """

    partner: Ints
    event: Ints
    kind: Ints
    credits: Ints
    amount: Ints
    at: Floats


def account(rng: np.random.Generator, timeline: Timeline, network: Network, used: Ints) -> Entries:
    """Return what was granted, bought, allocated, used and released.

    A partner allocates to each event what its guests may need, at least what will be used;
    where its balance is too low it buys first. What an event leaves over comes back. So used
    never exceeds allocated, nor allocated what was granted and bought, at any moment.

    Args:
        rng: Decides how generously is planned.
        timeline: Of the story.
        network: Whose partners.
        used: Credits that each event uses up.
    """
    spare = 1 + rng.uniform(0.05, 0.6, len(used))
    wanted = np.maximum(np.ceil(used * spare), 5).astype(np.int64)
    rows: list[tuple[int, int, int, int, int, float]] = []
    end = float(timeline.hours)
    for partner, tier in enumerate(network.tier):
        own = np.flatnonzero((network.partner == partner) & network.is_held)
        until = min(network.left[partner], end)
        years = max(1, int(np.ceil((until - network.approved[partner]) / _YEAR)))
        share = TIERS[tier].covers * 0.9
        moments: list[tuple[float, int, int]] = []
        for year in range(years):
            at = network.approved[partner] + year * _YEAR
            within = own[(network.starts[own] >= at) & (network.starts[own] < at + _YEAR)]
            given = 50 * max(1, round(used[within].sum() * share / 50))
            moments.append((at + 1.0, -1, given))
        for event in own:
            moments.append((network.starts[event] - 1.5, int(event), 1))
            moments.append((network.ends[event], int(event), 0))
        rows += _partner(partner, sorted(moments), wanted, used)
    rows.sort(key=lambda row: row[5])
    columns = [np.array(column) for column in zip(*rows, strict=True)]
    return Entries(
        partner=columns[0],
        event=columns[1],
        kind=columns[2],
        credits=columns[3],
        amount=columns[4],
        at=columns[5].astype(np.float64),
    )


def _partner(
    partner: int, moments: list[tuple[float, int, int]], wanted: Ints, used: Ints
) -> list[tuple[int, int, int, int, int, float]]:
    rows = []
    balance = 0
    for at, event, what in moments:
        if event < 0:
            balance += what
            rows.append((partner, -1, GRANTED, what, 0, at))
        elif what:
            need = int(wanted[event])
            if balance < need:
                packs = -(-(need - balance) // _PACK) + 1
                balance += packs * _PACK
                rows.append((partner, -1, BOUGHT, packs * _PACK, packs * _PACK_CENTS, at - 0.4))
            balance -= need
            rows.append((partner, event, ALLOCATED, need, 0, at))
        else:
            rest = int(wanted[event] - used[event])
            balance += rest
            rows.append((partner, event, USED, int(used[event]), 0, at))
            rows.append((partner, event, RELEASED, rest, 0, at))
    return rows
