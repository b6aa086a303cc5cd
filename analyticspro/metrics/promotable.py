"""Decides which properties become dimensions, and what these are called."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from analyticspro.errors import DefinitionError, RetriableError, UnknownName
from analyticspro.events import check_name
from analyticspro.grain import Grain
from analyticspro.metrics import catalog
from analyticspro.warehouse import (
    EVERY,
    PERSONAL,
    UNTAKEN,
    Promotion,
    Property,
    Registered,
    Warehouse,
    keys_of,
    path_of,
)

__all__ = ["Promotable", "Promoted"]

_MOST = 50  # each is one more column of every event
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_OTHER = re.compile(r"[^a-z0-9]+")
# What the columns of an answer are called already.
_RESERVED = frozenset(Grain) | {
    f"{metric}{suffix}"
    for metric in catalog.METRICS
    for suffix in ("", "_previous", "_change", "_change_rate")
}


@dataclass(frozen=True)
class Promoted:
    """A dimension, and the property that it is; `event` is `EVERY` for all events."""

    dimension: str
    event: str
    property: str

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON."""
        return asdict(self)


class Promotable:
    """Promotes properties of a workspace's events."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._properties = warehouse.properties
        self._promoting = warehouse.promoting

    def start(self) -> None:
        """Go on with what was not finished, in the background."""
        if any(not each.is_filled for each in self._promoting.state()):
            self._promoting.start()

    def promote(
        self,
        event: str,
        path: str,
        name: str | None,
        *,
        now: datetime,
        progress: Callable[[int, int], None],
    ) -> Promoted:
        """Have a property be a dimension, and wait until its column is filled.

        Figures can be cut by it from the first moment; until the column is filled they take
        longer. Filling goes on when whoever waits for it goes away, and promoting the same
        again only waits. It ends with this process; the api goes on with it when it starts.

        Args:
            event: Name of the events that have it; `EVERY` for all.
            path: Of the property.
            name: What the dimension is called; None for the last key of the path.
            now: UTC.
            progress: Called with the versions of events that were passed, and their number.

        Raises:
            UnknownName: No event, or none of this name, was seen with such a property.
            DefinitionError: It cannot be a dimension, or not by this name.
        """
        of = event if event == EVERY else check_name(event)
        keys = keys_of(path)
        found = Promotion(
            name or _OTHER.sub("_", keys[-1].lower()).strip("_"),
            None if of == EVERY else of,
            path_of(keys),
        )
        known = self._promoting.state()
        if not any(_is_same(each, found) for each in known):
            self._check(found, keys)
            _check_name(found, known)
            self._promoting.promote(found.dimension, found.event, found.path, at=now)
        self._promoting.start()
        self._promoting.wait(found.dimension, progress)
        return Promoted(found.dimension, of, found.path)

    def demote(self, name: str, *, now: datetime) -> None:
        """Have a dimension be a mere property again; its values stay in the events.

        Raises:
            UnknownName: No property is promoted by this name.
        """
        known = [each.dimension for each in self._promoting.state()]
        if name not in known or not self._promoting.demote(name, at=now):
            raise UnknownName.of("promoted dimension", name, known)

    def _check(self, found: Promotion, keys: tuple[str, ...]) -> None:
        place = f"{found.event or EVERY}.{found.path}"
        if any(not key or set(key) & set(UNTAKEN) for key in keys):
            raise DefinitionError(
                f"{place} cannot be promoted: a key of it is empty or holds one of {UNTAKEN}. "
                "Have its source send it by another name."
            )
        registered = self._properties.registered()
        kinds = _kinds(registered, found, keys)
        if kinds <= {"object", "null"} and "object" in kinds:
            raise DefinitionError(
                f"{place} is an object. Promote one of the properties within it; 'analyticspro "
                f"schema show {found.event or ''}' lists them."
            )
        for mark in registered.marks:
            is_of_it = found.event is None or mark.name in (EVERY, found.event)
            if is_of_it and (mark.path, mark.mark) == (found.path, PERSONAL):
                raise DefinitionError(
                    f"{place} is tagged personal, and the values of a dimension are shown. If "
                    f"they may be: analyticspro schema untag {mark.name}.{mark.path} personal"
                )


def _kinds(registered: Registered, found: Promotion, keys: tuple[str, ...]) -> set[str]:
    """Return the types that the property was ever seen with; raises UnknownName if none."""
    names = {name: known for name, known in registered.names.items() if name is not None}
    if found.event is not None and found.event not in names:
        raise UnknownName.of("event", found.event, names)
    among = [known for name, known in names.items() if found.event in (None, name)]
    kinds = {kind for known in among for kind in known.properties.get(keys, Property()).kinds}
    if kinds:
        return kinds
    if registered.waiting:
        raise RetriableError(
            f"{registered.waiting:,} changes are not counted yet, and nothing is known of "
            f"{found.path} without them. Try again in a while."
        )
    paths = {path_of(each) for known in among for each in known.properties}
    raise UnknownName.of("property", found.path, paths, where=found.event or "any event")


def _check_name(found: Promotion, known: Sequence[Promotion]) -> None:
    name = found.dimension
    if _NAME.fullmatch(name) is None:
        raise DefinitionError(
            f"{name!r} cannot name a dimension. Give another one (--as NAME): small letters, "
            "digits and underscores, such as coupon."
        )
    taken = name in catalog.DIMENSIONS or name in {each.dimension for each in known}
    if taken or name in _RESERVED:
        what = "a dimension" if taken else "a word of every query"
        raise DefinitionError(f"{name} is {what} already. Give another name: --as NAME.")
    for each in known:
        if (each.event, each.path) == (found.event, found.path):
            raise DefinitionError(
                f"{each.event or EVERY}.{each.path} is promoted already, as {each.dimension}. To "
                f"call it {name}, first: analyticspro schema demote {each.dimension}"
            )
    if len(known) >= _MOST:
        raise DefinitionError(
            f"{_MOST} properties are promoted, which is the most. Demote one first; "
            "'analyticspro schema' shows them."
        )


def _is_same(one: Promotion, other: Promotion) -> bool:
    return (one.dimension, one.event, one.path) == (other.dimension, other.event, other.path)
