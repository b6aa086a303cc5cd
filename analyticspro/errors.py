"""Every error the product raises on purpose, classed by how one recovers.

AnalyticsProError
├── DefinitionError      fix the code, the query or the configuration
│   ├── UnknownName      a name that is not there; suggests the nearest
│   └── SettingError     a setting or a file of settings that cannot be used
├── DataError            the record is set aside, the rest goes on
├── SourceError          the source cannot be read; fix the source, then sync again
├── RetriableError       try again later, unchanged
│   ├── ServiceUnavailable   a service does not answer
│   ├── Stopped              whoever asked has gone, or the service is being stopped
│   └── WarehouseBusy        another process holds the warehouse
├── WarehouseError       the stored data cannot be opened as it is
├── Forbidden            not signed in, or not allowed
└── NotDeclared          a notebook does more than declare a page; it is run for each viewer

Each message says what, which value, and the cure.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = [
    "AnalyticsProError",
    "DataError",
    "DefinitionError",
    "Forbidden",
    "NotDeclared",
    "RetriableError",
    "ServiceUnavailable",
    "SettingError",
    "SourceError",
    "Stopped",
    "UnknownName",
    "WarehouseBusy",
    "WarehouseError",
    "from_payload",
]


class AnalyticsProError(Exception):
    """The root of all errors that carry a message meant for the user.

    `code` names the class on the wire, `exit_code` is what the command line ends with.
    """

    code = "error"
    exit_code = 1

    def payload(self) -> dict[str, str]:
        """Return the error as it is sent over HTTP: `{"code": …, "message": …}`."""
        return {"code": self.code, "message": str(self)}


class DefinitionError(AnalyticsProError):
    """The question itself is wrong: fix the query, the code or the configuration."""

    code = "definition"
    exit_code = 2


class UnknownName(DefinitionError):
    """A name that does not exist, with the nearest one that does."""

    code = "unknown_name"

    @classmethod
    def of(cls, kind: str, name: str, known: Iterable[str], *, where: str = "") -> UnknownName:
        """Return the error for `name`, suggesting the nearest of `known`.

        >>> str(UnknownName.of("metric", "revenu", ["revenue", "orders"]))
        "No metric 'revenu'. Did you mean 'revenue'?"
        """
        names = sorted(known)
        by_folded = {candidate.casefold(): candidate for candidate in names}
        near = difflib.get_close_matches(name.casefold(), list(by_folded), n=1, cutoff=0.5)
        if near:
            cure = f"Did you mean {by_folded[near[0]]!r}?"
        elif names:
            shown = ", ".join(names[:12]) + (", …" if len(names) > 12 else "")
            cure = f"Known: {shown}."
        else:
            cure = "There is none yet."
        place = f" in {where}" if where else ""
        return cls(f"No {kind} {name!r}{place}. {cure}")


class SettingError(DefinitionError):
    """A setting, or a file of settings, that cannot be used."""

    code = "setting"


class DataError(AnalyticsProError):
    """One record is wrong; it is set aside with its reason and the rest goes on."""

    code = "data"
    exit_code = 3


class SourceError(AnalyticsProError):
    """A source cannot be read as it is; fix the source, then sync again."""

    code = "source"
    exit_code = 3


class RetriableError(AnalyticsProError):
    """The same request may succeed later, unchanged."""

    code = "retriable"
    exit_code = 4


class ServiceUnavailable(RetriableError):
    """A service does not answer."""

    code = "unavailable"


class Stopped(RetriableError):
    """Whoever asked for the work has gone, or the service is being stopped."""

    code = "stopped"


class WarehouseBusy(RetriableError):
    """Another process holds the warehouse; only one may."""

    code = "warehouse_busy"


class WarehouseError(AnalyticsProError):
    """The stored data cannot be opened as it is."""

    code = "warehouse"
    exit_code = 5


class Forbidden(AnalyticsProError):
    """Not signed in, or not allowed to do this."""

    code = "forbidden"
    exit_code = 6


class NotDeclared(AnalyticsProError):
    """A notebook that is being composed does more than declare a page.

    That is no mistake of its author's: the notebook is run with data instead, for its viewer.
    """

    code = "not_declared"


def _all_below(root: type[AnalyticsProError]) -> dict[str, type[AnalyticsProError]]:
    # One without a code of its own is known to those who raise it; others see its parent.
    found = {root.code: root} if "code" in vars(root) else {}
    for child in root.__subclasses__():
        found.update(_all_below(child))
    return found


def from_payload(payload: dict[str, str]) -> AnalyticsProError:
    """Return the error that `payload` was made from, so a client raises what the service raised.

    >>> type(from_payload({"code": "source", "message": "no such folder"})).__name__
    'SourceError'
    """
    kind = _all_below(AnalyticsProError).get(payload.get("code", ""), AnalyticsProError)
    return kind(payload.get("message", "The service gave no reason."))
