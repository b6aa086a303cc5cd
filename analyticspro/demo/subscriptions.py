"""Subscriptions of the shop's customers: started, changed, cancelled, invoiced."""

from __future__ import annotations

import numpy as np
import polars as pl

from analyticspro.demo.company import PLANS
from analyticspro.demo.people import People
from analyticspro.demo.rhythm import HOURS_PER_MONTH, Floats, Ints, Timeline, within

__all__ = ["subscriptions"]

Bools = np.typing.NDArray[np.bool_]

_TRIAL = 14 * 24.0
_YEARLY = 0.3
_YEARLY_PRICE = 10  # months paid for twelve
_FREE = 0


def subscriptions(rng: np.random.Generator, timeline: Timeline, people: People) -> pl.DataFrame:
    """Return what happened to subscriptions, in order of time.

    A subscription begins 14 days after a sign-up for a paid plan, or with an upgrade from the
    free one; a customer that was gone by then has none. While it lasts, it may change plan
    and seats; its `mrr_change` add up to what it is worth a month, and to 0 once it has ended.

    Returns:
        Columns: at (hours), customer (position), kind (trial_started, started, upgraded,
        downgraded, cancelled, invoiced, payment_failed), plan, interval, seats (Int64), mrr and
        mrr_change (Int64, cents; 0 for trials, null for invoices), amount (Int64, cents; of
        invoices only, paid or not).
    """
    paying = np.flatnonzero(people.plan > _FREE)
    first = people.plan_at(paying, people.joined[paying] + 0.001)
    upgraded = people.upgraded[paying]
    begin = np.where(first == _FREE, upgraded, people.joined[paying] + _TRIAL)
    stays = begin < people.left[paying] - 1
    is_trial = (first != _FREE) & stays
    trials = paying[is_trial & (people.joined[paying] > timeline.opening)]
    stays &= people.left[paying] > timeline.opening + 2
    terms = _Terms.of(rng, people, paying[stays], begin[stays])
    terms.imported(rng, timeline)
    joined = people.joined[trials]
    frames = [
        _frame(
            "trial_started",
            joined,
            trials,
            people.plan_at(trials, joined + 0.001),
            mrr=np.zeros_like(trials),
            change=np.zeros_like(trials),
        ),
        *terms.states(),
        *terms.invoices(timeline),
    ]
    found = pl.concat(frames).sort("at", "customer", maintain_order=True)
    is_changed, change = pl.col("kind") == "changed", pl.col("mrr_change")
    kind = (
        pl.when(is_changed & (change > 0))
        .then(pl.lit("upgraded"))
        .when(is_changed)
        .then(pl.lit("downgraded"))
        .otherwise("kind")
    )
    return found.with_columns(kind=kind).filter(pl.col("at") < timeline.hours)


class _Terms:
    """Each subscription's life: when it begins, changes, ends; and what it is worth then."""

    def __init__(
        self, customer: Ints, times: Floats, plans: Ints, seats: Ints, is_yearly: Bools
    ) -> None:
        self.customer = customer
        self.times = times  # begin, seats change, plan change, end: four columns, rising
        self.plans = plans  # from each of the first three on
        self.seats = seats
        self.is_yearly = is_yearly
        price = np.array([plan.price for plan in PLANS])[plans] * seats
        paid = np.where(self.is_yearly[:, None], price * _YEARLY_PRICE, price)
        self.paid = paid
        self.mrr = np.where(self.is_yearly[:, None], paid // 12, paid)

    @classmethod
    def of(cls, rng: np.random.Generator, people: People, customer: Ints, begin: Floats) -> _Terms:
        end = people.left[customer]
        later = begin + rng.uniform(0.2, 0.9, len(customer)) * (end - begin)
        grows = rng.random(len(customer))
        moved = np.where(people.upgraded[customer] > begin, people.upgraded[customer], np.inf)
        seats = rng.integers(1, np.array([p.seats for p in PLANS])[people.plan[customer]] + 1)
        more = np.maximum(1, seats + np.where(grows < 0.22, rng.integers(1, 4, len(seats)), 0))
        more = np.where((grows > 0.92) & (seats > 1), seats - 1, more)
        changed = np.where(more != seats, later, np.inf)
        plan = people.plan[customer]
        before = np.where(np.isfinite(moved), plan - 1, plan)
        swap = moved < changed
        times = np.stack([begin, np.minimum(moved, changed), np.maximum(moved, changed), end], 1)
        plans = np.stack([before, np.where(swap, plan, before), plan], 1)
        after = np.where(np.isfinite(times[:, 2]), more, np.where(swap, seats, more))
        counts = np.stack([seats, np.where(swap, seats, more), after], 1)
        plans[:, 2] = np.where(np.isfinite(times[:, 2]), plan, plans[:, 1])
        return cls(customer, times, plans, counts, rng.random(len(customer)) < _YEARLY)

    def imported(self, rng: np.random.Generator, timeline: Timeline) -> None:
        """Let what happened before the story begins have happened as it begins, in order."""
        begun = timeline.opening + rng.random(len(self.customer))
        for step in range(3):
            self.times[:, step] = np.maximum(self.times[:, step], begun + step / 100)

    def states(self) -> list[pl.DataFrame]:
        """Return how each began, changed and ended."""
        mrr, end = self.mrr, self.times[:, 3]
        frames = [self._told("started", 0, self.times[:, 0], mrr[:, 0], mrr[:, 0])]
        for step in (1, 2):
            at = np.where(self.times[:, step] < end, self.times[:, step], np.inf)
            frames.append(
                self._told("changed", step, at, mrr[:, step], mrr[:, step] - mrr[:, step - 1])
            )
        last = mrr[np.arange(len(end)), self._step_at(end)]
        return [*frames, self._told("cancelled", None, end, np.zeros_like(last), -last)]

    def invoices(self, timeline: Timeline) -> list[pl.DataFrame]:
        """Return an invoice for each period begun; while payments were down it failed first."""
        period = np.where(self.is_yearly, 12, 1) * HOURS_PER_MONTH
        end = np.minimum(self.times[:, 3], timeline.hours)
        count = np.maximum(np.ceil((end - self.times[:, 0]) / period), 0).astype(np.int64)
        which = np.repeat(np.arange(len(count)), count)
        number = np.arange(len(which)) - np.repeat(np.cumsum(count) - count, count)
        at = self.times[which, 0] + number * period[which]
        step = (at[:, None] >= self.times[which, 1:3]).sum(1)
        down = within(timeline.instants(at), timeline.incidents.payment_outage)
        rest = np.flatnonzero(down)
        again = timeline.incidents.payment_outage[1]
        retried = (int(again.timestamp() * 1e6) - timeline.start) / 3.6e9 + 1
        gone = retried >= self.times[which, 3]
        paid_at = np.where(down, np.where(gone, np.inf, retried), at)
        made = [("invoiced", np.arange(len(at)), paid_at), ("payment_failed", rest, at[rest])]
        return [
            _frame(
                kind,
                when,
                self.customer[which[own]],
                self.plans[which[own], step[own]],
                is_yearly=self.is_yearly[which[own]],
                seats=self.seats[which[own], step[own]],
                amount=self.paid[which[own], step[own]],
            )
            for kind, own, when in made
        ]

    def _step_at(self, at: Floats) -> Ints:
        steps: Ints = (at[:, None] > self.times[:, 1:3]).sum(1)
        return steps

    def _told(
        self, kind: str, step: int | None, at: Floats, mrr: Ints, change: Ints
    ) -> pl.DataFrame:
        every = np.arange(len(at))
        steps = self._step_at(self.times[:, 3]) if step is None else np.full(len(at), step)
        return _frame(
            kind,
            at,
            self.customer,
            self.plans[every, steps],
            is_yearly=self.is_yearly,
            seats=self.seats[every, steps],
            mrr=mrr,
            change=change,
        )


def _frame(
    kind: str,
    at: Floats,
    customer: Ints,
    plan: Ints,
    *,
    is_yearly: Bools | None = None,
    seats: Ints | None = None,
    mrr: Ints | None = None,
    change: Ints | None = None,
    amount: Ints | None = None,
) -> pl.DataFrame:
    names = pl.Series([plan.name for plan in PLANS])
    frame = pl.DataFrame(
        {
            "at": pl.Series(at, dtype=pl.Float64),
            "customer": pl.Series(customer, dtype=pl.Int64),
            "kind": pl.Series([kind] * len(at), dtype=pl.String),
            "plan": names.gather(pl.Series(plan, dtype=pl.UInt32)),
            "seats": _column(seats, len(at)),
            "mrr": _column(mrr, len(at)),
            "mrr_change": _column(change, len(at)),
            "amount": _column(amount, len(at)),
            "yearly": pl.Series(
                [None] * len(at) if is_yearly is None else is_yearly, dtype=pl.Boolean
            ),
        }
    )
    interval = pl.when("yearly").then(pl.lit("year")).when(~pl.col("yearly")).then(pl.lit("month"))
    return frame.filter(pl.col("at").is_finite()).with_columns(interval=interval).drop("yearly")


def _column(values: Ints | None, count: int) -> pl.Series:
    return pl.Series([None] * count if values is None else values, dtype=pl.Int64)
