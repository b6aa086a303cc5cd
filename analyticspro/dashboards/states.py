"""What a page says when it has no figures to show: it is empty, or something failed."""

from __future__ import annotations

from dataclasses import dataclass

from analyticspro.dashboards.context import Context
from analyticspro.dashboards.formats import day_words, period_words
from analyticspro.errors import AnalyticsProError, DefinitionError, Forbidden, RetriableError
from analyticspro.grain import Grain, WeekStart
from analyticspro.period import Period

__all__ = ["Action", "State", "Step", "failed", "no_data_at_all", "no_data_here"]


@dataclass(frozen=True)
class Action:
    """A button: go to `period` (with `clear`, without filters too), or try again."""

    label: str
    period: str = ""
    clear: bool = False
    is_retry: bool = False


@dataclass(frozen=True)
class Step:
    """What to do, and the command that does it."""

    text: str
    command: str


@dataclass(frozen=True)
class State:
    """What is said instead of figures.

    Attributes:
        kind: `empty` if there is nothing to show, `error` if something failed.
    """

    kind: str
    title: str
    text: str = ""
    steps: tuple[Step, ...] = ()
    actions: tuple[Action, ...] = ()


def no_data_at_all() -> State:
    """Return what a workspace without a single event says."""
    return State(
        kind="empty",
        title="There is no data yet",
        text="This page fills itself once the workspace has events.",
        steps=(
            Step("Bring in your own, from the sources you declared:", "analyticspro sources sync"),
            Step("Or look around with a made-up company:", "analyticspro demo"),
        ),
        actions=(Action("Look again", is_retry=True),),
    )


def no_data_here(context: Context) -> State:
    """Return what a period or a filter without data says."""
    period = context.period
    words = period_words(period.name, period.start, period.end)
    chosen = [value for one in context.where for value in one.values]
    narrowed = f" for {', '.join(chosen)}" if chosen else ""
    during = "" if period.name == "all" else f" in {_within(words)}"
    text = ""
    if context.first and context.last:
        text = f"The data covers {day_words(context.first)} to {day_words(context.last)}."
    actions = []
    if context.last is not None:
        latest = Period.bucket(context.last, Grain.MONTH, WeekStart.MONDAY)
        if chosen and context.has_overlap:
            actions.append(Action("Show all", period.name, clear=True))
        if latest.name != period.name:
            label = period_words(latest.name, latest.start, latest.end)
            actions.append(Action(f"Go to {label}", latest.name))
    return State("empty", f"No data{narrowed}{during}", text, actions=tuple(actions))


def _within(words: str) -> str:
    return f"the {words[0].lower()}{words[1:]}" if words.startswith("Last ") else words


def failed(error: Exception) -> State:
    """Return what an error says: what happened, the cure, and a way on."""
    if isinstance(error, DefinitionError):
        return State(
            "error",
            "This cannot be shown",
            str(error),
            actions=(Action("Show the latest month", "latest", clear=True),),
        )
    retry = (Action("Try again", is_retry=True),)
    if isinstance(error, Forbidden):
        return State("error", "You may not see this", str(error), actions=retry)
    if isinstance(error, RetriableError):
        return State("error", "The figures could not be fetched", str(error), actions=retry)
    if isinstance(error, AnalyticsProError):
        return State("error", "The figures could not be computed", str(error), actions=retry)
    return State(
        "error",
        "Something went wrong",
        "The page could not be drawn. The reason is in the log of the service 'dashboards'.",
        actions=retry,
    )
