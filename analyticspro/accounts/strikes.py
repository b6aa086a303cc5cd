"""Whoever tries too often has to wait, longer each time."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from analyticspro.audit import Actor, AuditLog
from analyticspro.errors import RetriableError
from analyticspro.state import State, StrikeTable

__all__ = ["Allowance", "Throttle", "TooManyAttempts"]

_FIRST_WAIT = timedelta(seconds=30)
_LONGEST_WAIT = timedelta(minutes=15)


class TooManyAttempts(RetriableError):
    """Too many attempts; the same may be tried again later. The same whoever is tried."""

    code = "too_many_attempts"

    @classmethod
    def of(cls, wait: timedelta) -> TooManyAttempts:
        """Return the error for somebody who has to wait so long."""
        minutes = math.ceil(wait.total_seconds() / 60)
        return cls(f"Too many attempts. Try again in {minutes} minute{'s' * (minutes > 1)}.")


@dataclass(frozen=True)
class Allowance:
    """How often one may try.

    Attributes:
        free: Attempts before one has to wait.
        forget_after: When attempts no longer count.
    """

    free: int
    forget_after: timedelta


_ACCOUNT = Allowance(5, timedelta(days=1))
# Many may share an address.
_ADDRESS = Allowance(30, timedelta(hours=1))


class Throttle:
    """Counts attempts before they are made, so that many at once do not slip through."""

    def __init__(self, state: State, audit: AuditLog) -> None:
        self._state, self._audit = state, audit

    def admit(self, what: str, *, account: str | None, actor: Actor, now: datetime) -> None:
        """Count an attempt at `what`; raises TooManyAttempts if it may not be made.

        Args:
            what: Such as `sign_in`; each has a count of its own.
            account: What somebody typed as an account, whether there is such or not; None if
                none is named.
            actor: Where from.
            now: When.
        """
        allowances = {_key(what, "address", actor.origin): _ADDRESS}
        if account is not None:
            allowances[_key(what, "account", account)] = _ACCOUNT
        wait, is_last = timedelta(0), False
        with self._audit.writing(now) as writing:
            table = StrikeTable(writing.connection)
            for key in sorted(allowances):  # everybody in the same order: no deadlock
                longer, begins = _strike(table, key, allowances[key], now)
                wait, is_last = max(wait, longer), is_last or begins
            if is_last:  # not each of the attempts that follow: a flood is no news
                writing.note(actor, what, "unknown", "too many attempts", allowed=False)
        if wait:
            raise TooManyAttempts.of(wait)

    def succeeded(
        self, table: StrikeTable, what: str, *, account: str | None, actor: Actor, now: datetime
    ) -> None:
        """Forget an account's attempts, and take back the last one of the address."""
        by_address = _key(what, "address", actor.origin)
        by_account = None if account is None else _key(what, "account", account)
        for key in sorted(filter(None, (by_address, by_account))):
            if key == by_account:
                table.forget(key)
                continue
            count, until = table.count(key, now=now, forget_after=_ADDRESS.forget_after)
            table.set(key, max(count - 1, 0), now=now, locked_until=until)

    def forgive(self, table: StrikeTable, what: str, account: str) -> None:
        """Forget the attempts at an account."""
        table.forget(_key(what, "account", account))

    def tidy(self, now: datetime) -> None:
        """Forget attempts that no longer count."""
        with self._state.writing() as connection:
            StrikeTable(connection).clear(before=now - _ACCOUNT.forget_after)


def _strike(
    table: StrikeTable, key: str, allowance: Allowance, now: datetime
) -> tuple[timedelta, bool]:
    """Count one attempt; return how long it has to wait, and whether that begins with it."""
    count, until = table.count(key, now=now, forget_after=allowance.forget_after)
    if until is not None and until > now:
        return until - now, False
    count += 1
    over = count - allowance.free
    if over <= 0:
        table.set(key, count, now=now, locked_until=None)
        return timedelta(0), False
    wait = min(_FIRST_WAIT * 2 ** min(over - 1, 20), _LONGEST_WAIT)
    table.set(key, count, now=now, locked_until=now + wait)
    # This attempt is the last one for now; it is still made.
    return timedelta(0), True


def _key(*parts: str) -> str:
    """Return a digest: what was typed as an account may have been a password."""
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()
