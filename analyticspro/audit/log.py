"""The audit log of one workspace."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from analyticspro import logs
from analyticspro.audit.actor import Actor
from analyticspro.audit.anchor import Anchor, Head
from analyticspro.audit.chain import linked
from analyticspro.audit.verdict import Verdict, judged
from analyticspro.config import Home
from analyticspro.errors import SettingError
from analyticspro.secrets_store import private_files
from analyticspro.state import AuditRow, AuditTable, State

if TYPE_CHECKING:
    from sqlalchemy import Connection

__all__ = ["AuditLog", "Writing"]


@dataclass
class Writing:
    """A transaction of the state database, with what is to be said of it in the log.

    Notes are appended when the block ends, in the same transaction: what was done is in the
    log, and what is in the log was done. The log's lock is so held for a moment only, and is
    always the last that is taken.
    """

    connection: Connection
    now: datetime
    _notes: list[dict[str, Any]] = field(default_factory=list)

    def note(
        self, actor: Actor, action: str, subject: str, reason: str = "", *, allowed: bool = True
    ) -> None:
        """Say what is done, or refused.

        Args:
            actor: Who, and from where.
            action: What, such as `people.role`.
            subject: To what: a username, a report, a source.
            reason: Why, or how it changed; no secret, no text that somebody typed blindly.
            allowed: Whether it is done, or refused.
        """
        self._notes.append(
            {
                "at": self.now,
                "who": actor.name,
                "origin": actor.origin,
                "action": action,
                "subject": subject,
                "allowed": allowed,
                "reason": reason,
            }
        )

    def _appended(self, key: bytes) -> Head | None:
        if not self._notes:
            return None
        table = AuditTable(self.connection)
        previous = table.head(lock=True)
        rows: list[AuditRow] = []
        for noted in self._notes:
            rows.append(linked(key=key, previous=previous, **noted))
            previous = (rows[-1].seq, rows[-1].digest)
        table.append(rows)
        return Head(*previous)


class AuditLog:
    """Appends to the log, reads and verifies it. Any number of processes may at once."""

    def __init__(self, state: State, *, key: bytes, anchor: Anchor) -> None:
        self._state = state
        self._key = key
        self._anchor = anchor

    @classmethod
    def of(cls, home: Home, state: State) -> Self:
        """Return the log of `home`; its key is made at the first time.

        Raises:
            SettingError: Key or anchor cannot be read, or others could read them.
        """
        folder = home.path / "audit"
        try:
            folder.mkdir(mode=0o700, exist_ok=True)
            if not (folder / "key").exists():
                home.make_secret(folder / "key")
        except OSError as error:
            raise SettingError(
                f"The audit log cannot be kept in {folder}: {error.strerror}."
            ) from None
        key = private_files.read(folder / "key")
        assert key is not None
        return cls(state, key=key, anchor=Anchor(folder / "head.json"))

    @contextmanager
    def writing(self, now: datetime) -> Iterator[Writing]:
        """Give a transaction that is committed at the end with its notes, or not at all."""
        with self._state.writing() as connection:
            writing = Writing(connection, now)
            yield writing
            head = writing._appended(self._key)
        if head is not None:
            self._note_outside(head)

    def record(
        self,
        actor: Actor,
        action: str,
        subject: str,
        reason: str = "",
        *,
        allowed: bool = True,
        now: datetime,
    ) -> None:
        """Append one entry that stands by itself (see `Writing.note`)."""
        with self.writing(now) as writing:
            writing.note(actor, action, subject, reason, allowed=allowed)

    def newest(
        self,
        limit: int = 100,
        *,
        before: int | None = None,
        who: str | None = None,
        action: str | None = None,
        allowed: bool | None = None,
        subject: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> list[AuditRow]:
        """Return the newest entries, the newest first (see `AuditTable.newest`)."""
        with self._state.reading() as connection:
            return AuditTable(connection).newest(
                limit,
                before=before,
                who=who,
                action=action,
                allowed=allowed,
                subject=subject,
                since=since,
                until=until,
            )

    def verify(self, *, noted: Head | None = None) -> Verdict:
        """Tell whether all that was ever appended is there, as it was.

        Args:
            noted: A head that somebody noted down earlier, out of reach of this machine.
        """
        known = [("the head kept in the home", self._anchor.read())]
        known.append(("the head that was noted down", noted))
        with self._state.reading() as connection:
            table = AuditTable(connection)
            known.append(("its own head", Head(*table.head())))
            given = [(teller, head) for teller, head in known if head is not None]
            found = judged(table.all(), self._key, given)
            # Others may have appended meanwhile, so the head is asked again.
            moved_back = table.head()[0] < found.head.seq and found.is_whole
        if moved_back:
            return Verdict(found.head, ("Its own head was moved back.",))
        return found

    def _note_outside(self, head: Head) -> None:
        try:
            self._anchor.advance(head)
        except (OSError, SettingError) as error:  # it is committed: that cannot fail any more
            logs.warning("audit_anchor", reason=str(error))
