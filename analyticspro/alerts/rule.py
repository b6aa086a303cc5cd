"""What a rule is: which figure is watched, for what, and what follows from it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import timedelta
from enum import StrEnum
from typing import Any

import msgspec

from analyticspro.alerts.conditions import Condition, Is, Matching, NoData, Threshold
from analyticspro.alerts.durations import parse_duration, write_duration
from analyticspro.errors import DefinitionError
from analyticspro.grain import Grain
from analyticspro.metrics import catalog
from analyticspro.metrics.model import Aggregation, Simple
from analyticspro.metrics.query import Filter

__all__ = ["Only", "Rule", "Severity", "WithoutData", "is_judged_running"]

_NAME = r"[a-z0-9][a-z0-9_.-]{0,99}"
_DURATIONS = ("hold_for", "keep_firing_for")


class Severity(StrEnum):
    """How bad it is that a rule fires."""

    CRITICAL = "critical"
    WARNING = "warning"
    INFO = "info"


class WithoutData(StrEnum):
    """What a bucket without a value does to an alert: nothing, count as calm, or as a breach."""

    KEEP = "keep"
    CALM = "calm"
    BREACH = "breach"


class Only(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Rows whose dimension has one of `values`, or (`exclude`) none of them."""

    dimension: str
    values: tuple[str, ...]
    exclude: bool = False


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A rule as its author writes it.

    Attributes:
        name: Small letters, digits, `-`, `_` and `.`; known by it in files, logs and links.
        metric: Name from the catalogue; none of a rule on events.
        grain: Length of the buckets that are judged.
        by: Dimensions; each combination of their values is a series, with a state of its own.
        where: Filters; a row must pass every one.
        hold_for: How long a breach must last before the alert fires. Measured between the ends of
            buckets: of hours, 2h takes three in a row.
        keep_firing_for: How long it must stay away before the alert is resolved; likewise.
        without_data: What a bucket without a value does. One whose sources are not known that
            far is not looked at yet, whatever is said here.
        routes: Names of those who are told.
    """

    name: str
    when: Condition
    metric: str | None = None
    grain: Grain = Grain.HOUR
    by: tuple[str, ...] = ()
    where: tuple[Only, ...] = ()
    hold_for: timedelta = timedelta(0)
    keep_firing_for: timedelta = timedelta(0)
    without_data: WithoutData = WithoutData.KEEP
    severity: Severity = Severity.WARNING
    routes: tuple[str, ...] = ()
    note: str = ""
    runbook: str | None = None
    paused: bool = False

    @classmethod
    def parse(cls, told: Any) -> Rule:
        """Return the rule that a table of a file, or a JSON object, tells.

        Raises:
            DefinitionError: It cannot be one; the message names the rule, what and the cure.
        """
        name = told.get("name") if isinstance(told, dict) else None
        try:
            rule = msgspec.convert(_with_durations(told), cls)
            rule.check()
        except (msgspec.ValidationError, DefinitionError) as error:
            reason = re.sub(r" - at `\$\.?(.*)`$", r" (at \1)", str(error)).rstrip(".")
            raise type(_definition(error))(f"Rule {name!r}: {reason}.") from None
        return rule

    def plain(self) -> dict[str, Any]:
        """Return what `parse` reads; what is as by default is left out."""
        told: dict[str, Any] = msgspec.to_builtins(self, builtin_types=(timedelta,))
        kept = {
            field.encode_name: told[field.encode_name]
            for field in msgspec.structs.fields(self)
            if field.required or getattr(self, field.name) != field.default
        }
        kept["when"] = {key: each for key, each in kept["when"].items() if each is not None}
        return _durations_written(kept)

    def check(self) -> None:
        """Raise DefinitionError where fields do not fit each other, or a name is not there."""
        if re.fullmatch(_NAME, self.name) is None:
            raise DefinitionError(
                "The name may have 1 to 100 small letters, digits, '-', '_' and '.', "
                "such as error-rate-high"
            )
        self.when.check()
        self._check_watched()
        for item in self.where:
            Filter(item.dimension, item.values, item.exclude)
        if self.runbook is not None and re.fullmatch(r"https?://[^\s<>\"]+", self.runbook) is None:
            raise DefinitionError(
                f"runbook is {self.runbook!r}. Give an address that starts with https://"
            )
        _check_text("note", [self.note], 4_000)
        _check_text("routes", self.routes, 100)
        _check_once("by", self.by)
        _check_once("routes", self.routes)

    def _check_watched(self) -> None:
        if isinstance(self.when, Matching):
            for name in ("metric", "by", "hold_for", "keep_firing_for"):
                if getattr(self, name):
                    raise DefinitionError(
                        f"A rule on events has no {name}: each event opens a record of its own. "
                        f"Leave {name} out"
                    )
            return
        if self.metric is None:
            raise DefinitionError("It names no metric. 'analyticspro metrics' lists them")
        metric = catalog.metric(self.metric)
        if isinstance(self.when, NoData) and self.keep_firing_for:
            raise DefinitionError("Data that is there again ends it. Leave keep_firing_for out")
        for name in (*self.by, *(item.dimension for item in self.where)):
            # Properties that were made dimensions are looked up where the data is.
            if name in catalog.DIMENSIONS and name not in metric.dimensions:
                raise DefinitionError(
                    f"{metric.name} cannot be cut by {name}. "
                    f"Choose from: {', '.join(metric.dimensions)}"
                )


def is_judged_running(rule: Rule) -> bool:
    """Return whether a breach is seen before the bucket is over: an upper limit of a count.

    A count only grows, so it cannot come back below the limit. A sum may: of refunds.
    """
    if not isinstance(rule.when, Threshold) or rule.metric is None:
        return False
    metric = catalog.metric(rule.metric)
    counts = (Aggregation.COUNT, Aggregation.COUNT_DISTINCT)
    grows = type(metric) is Simple and metric.aggregation in counts
    return grows and rule.when.op in (Is.ABOVE, Is.AT_LEAST)


def _with_durations(told: Any) -> Any:
    """Return the table with its durations as msgspec reads them."""
    if not isinstance(told, dict):
        return told
    read = dict(told)
    for name in _DURATIONS:
        if isinstance(read.get(name), str):
            read[name] = parse_duration(read[name], name)
    when = read.get("when")
    if isinstance(when, dict) and isinstance(when.get("within"), str):
        read["when"] = when | {"within": parse_duration(when["within"], "when.within")}
    return read


def _durations_written(told: dict[str, Any]) -> dict[str, Any]:
    for table in (told, told["when"]):
        for name, value in table.items():
            if isinstance(value, timedelta):
                table[name] = write_duration(value)
            elif isinstance(value, tuple):
                table[name] = list(value)
    return told


def _definition(error: Exception) -> DefinitionError:
    return error if isinstance(error, DefinitionError) else DefinitionError("")


def _check_text(what: str, texts: Iterable[str], longest: int) -> None:
    for text in texts:
        if len(text) > longest or any(c != "\n" and not c.isprintable() for c in text):
            raise DefinitionError(f"{what} {text[:50]!r} is longer than {longest}, or not text")


def _check_once(what: str, names: tuple[str, ...]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise DefinitionError(f"{what} names {name!r} twice. Name it once")
