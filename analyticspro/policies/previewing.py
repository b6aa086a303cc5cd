"""What a change of grants would do, before anybody makes it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace

from analyticspro.errors import UnknownName
from analyticspro.metrics import catalog
from analyticspro.policies.holders import Holder
from analyticspro.policies.policies import Stored
from analyticspro.policies.row_words import told_rows
from analyticspro.policies.seers import Seer
from analyticspro.policy import FIELD_TAGS, UNTAGGED, Grant, Rows, Scope, Tag

__all__ = ["Line", "after", "lines", "sample"]

_MOST_FIGURES = 6
_PROPOSED = "the proposed grant"


@dataclass(frozen=True)
class Line:
    """Things that somebody sees alike, now and after the change.

    Attributes:
        kind: `metrics`, `fields` of single records, or `properties` of them by tag.
        names: Which they are, in the catalogue's order.
        now: In which rows they show, in words, with the values of filters: for admins.
        after: The same, once the change is made.
    """

    kind: str
    names: tuple[str, ...]
    now: str
    after: str

    @property
    def changes(self) -> bool:
        """Whether the change is one for these."""
        return self.now != self.after


def after(
    of: Seer,
    stored: Iterable[Stored],
    *,
    added: Grant | None = None,
    holder: Holder | None = None,
    withdrawn: Collection[int] = (),
) -> Scope:
    """Return what somebody would see.

    Args:
        of: Whom it is tried on.
        stored: All grants as they are.
        added: What would be granted; None if nothing.
        holder: Who would have it.
        withdrawn: Numbers of grants that would be no more.

    Raises:
        UnknownName: There is no grant of such a number.
    """
    known = {each.number: each for each in stored}
    for number in withdrawn:
        if number not in known:
            raise UnknownName.of("grant", str(number), map(str, known))
    mine = {f"role:{of.role}", f"person:{of.name}"}
    if of.role == of.name:
        mine = {f"role:{of.name}"}
    kept = [
        each.grant
        for each in known.values()
        if str(each.holder) in mine and each.number not in withdrawn
    ]
    if added is not None and (holder is None or str(holder) in mine):
        kept.append(replace(added, name=_PROPOSED))
    return Scope(of.scope.name, tuple(kept))


def lines(now: Scope, later: Scope) -> tuple[Line, ...]:
    """Return what is seen, before and after; what is alike in both stands together."""
    groups: dict[tuple[str, str, str], list[str]] = {}
    for kind, name, before, then in _seen(now, later):
        key = (kind, told_rows(before), told_rows(then))
        groups.setdefault(key, []).append(name)
    found = [Line(kind, tuple(names), *words) for (kind, *words), names in groups.items()]
    return tuple(sorted(found, key=lambda line: not line.changes))


def sample(now: Scope, later: Scope) -> tuple[str, ...]:
    """Return a few metrics whose figures tell what the change does; those that change first."""

    def changes(name: str) -> bool:
        tags = catalog.metric(name).tags
        return now.figures(tags) != later.figures(tags)

    order = sorted(catalog.METRICS, key=lambda name: not changes(name))
    return tuple(order[:_MOST_FIGURES])


def _seen(now: Scope, later: Scope) -> Iterator[tuple[str, str, Rows, Rows]]:
    for metric in catalog.METRICS.values():
        yield "metrics", metric.title, now.figures(metric.tags), later.figures(metric.tags)
    for field, tags in FIELD_TAGS.items():
        yield "fields", field, now.records(tags), later.records(tags)
    for tag in (*Tag, UNTAGGED):
        title = "not tagged yet" if tag == UNTAGGED else str(tag)
        yield "properties", title, now.records({tag}), later.records({tag})
