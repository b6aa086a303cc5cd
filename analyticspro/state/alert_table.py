"""Rules and alerts as they are stored, as one transaction sees them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from analyticspro.state.alert_models import (
    AlertEntries,
    AlertHead,
    AlertInstances,
    AlertNotices,
    AlertRules,
    Alerts,
    AlertSilences,
)
from analyticspro.state.alert_records import Alert, AlertState, Entry, Notice, RuleRow, Silence
from analyticspro.state.models import Changes

__all__ = ["AlertTable"]

_ALERTS = Alerts.__table__
_RULES = AlertRules.__table__


class AlertTable:
    """Reads and changes rules, the states of their series, and the records."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def turn(self) -> int:
        """Return how often anything was judged or changed."""
        return self._connection.scalar(select(AlertHead.turn)) or 0

    def take_turn(self, seen: int) -> bool:
        """Count a change; False, and nothing is to be written, if the count is not `seen`."""
        counted = update(AlertHead).where(AlertHead.turn == seen).values(turn=seen + 1)
        return self._connection.execute(counted).rowcount == 1

    def count_turn(self) -> None:
        """Count a change that a person made, whatever the count is."""
        self._connection.execute(update(AlertHead).values(turn=AlertHead.turn + 1))

    def rules(self) -> list[RuleRow]:
        """Return the rules that are not removed, by name."""
        query = select(_RULES).where(AlertRules.removed_at.is_(None)).order_by(AlertRules.name)
        return [RuleRow(**row._mapping) for row in self._connection.execute(query)]

    def add_rule(self, name: str, content: dict[str, Any], *, now: datetime) -> int:
        """Store a new rule; return its number."""
        new = insert(AlertRules).values(
            name=name, version=1, content=content, progress={}, created_at=now, changed_at=now
        )
        return int(self._connection.execute(new.returning(AlertRules.id)).scalar_one())

    def change_rule(self, number: int, **values: object) -> None:
        """Change some columns of a rule."""
        self._connection.execute(update(AlertRules).where(AlertRules.id == number).values(**values))

    def note_rule(
        self,
        number: int,
        action: str,
        before: dict[str, Any],
        after: dict[str, Any],
        *,
        who: str,
        now: datetime,
    ) -> None:
        """Keep who changed a rule, how and when."""
        self._connection.execute(
            insert(Changes).values(
                at=now,
                who=who,
                subject="alert_rule",
                subject_id=str(number),
                action=action,
                before=before,
                after=after,
            )
        )

    def instances(self) -> list[tuple[int, str, dict[str, Any]]]:
        """Return rule, series and state of every instance."""
        query = select(AlertInstances.rule_id, AlertInstances.series, AlertInstances.state)
        return [(row.rule_id, row.series, row.state) for row in self._connection.execute(query)]

    def put_instances(self, states: Mapping[tuple[int, str], dict[str, Any]]) -> None:
        """Store states, in place of those that there are."""
        rows = [
            {"rule_id": rule, "series": series, "state": state}
            for (rule, series), state in states.items()
        ]
        for row in rows:
            mine = (AlertInstances.rule_id == row["rule_id"]) & (
                AlertInstances.series == row["series"]
            )
            changed = update(AlertInstances).where(mine).values(state=row["state"])
            if self._connection.execute(changed).rowcount == 0:
                self._connection.execute(insert(AlertInstances), [row])

    def forget(self, rule: int) -> None:
        """Forget the states of all series of a rule."""
        self._connection.execute(delete(AlertInstances).where(AlertInstances.rule_id == rule))

    def open_alert(self, **values: object) -> int | None:
        """Store a new record; return its number, None if there is one of that key already."""
        known = select(Alerts.id).where(Alerts.dedup_key == values["dedup_key"])
        if self._connection.scalar(known) is not None:
            return None
        new = insert(Alerts).values(state=AlertState.OPEN, **values).returning(Alerts.id)
        return int(self._connection.execute(new).scalar_one())

    def unresolved(self, rule: int, series: str | None = None) -> list[Alert]:
        """Return the records of a rule, or of one of its series, that are not resolved."""
        query = select(_ALERTS).where(Alerts.rule_id == rule, Alerts.state != AlertState.RESOLVED)
        query = query if series is None else query.where(Alerts.series == series)
        return [Alert(**row._mapping) for row in self._connection.execute(query)]

    def alert(self, number: int) -> Alert | None:
        """Return a record, kept from others until the transaction ends; None if there is none."""
        query = select(_ALERTS).where(Alerts.id == number).with_for_update()
        found = self._connection.execute(query).one_or_none()
        return None if found is None else Alert(**found._mapping)

    def alerts(self, states: Collection[AlertState], *, limit: int) -> list[Alert]:
        """Return the newest records in these states, the newest first."""
        query = select(_ALERTS).where(Alerts.state.in_(states)).order_by(Alerts.id.desc())
        rows = self._connection.execute(query.limit(limit))
        return [Alert(**row._mapping) for row in rows]

    def change_alert(self, number: int, **values: object) -> None:
        """Change some columns of a record."""
        self._connection.execute(update(Alerts).where(Alerts.id == number).values(**values))

    def log(
        self, alert: int, action: str, detail: dict[str, Any], *, who: str, now: datetime
    ) -> None:
        """Add a line to a record's log."""
        self._connection.execute(
            insert(AlertEntries).values(
                alert_id=alert, at=now, who=who, action=action, detail=detail
            )
        )

    def entries(self, alert: int) -> list[Entry]:
        """Return the log of a record, the oldest line first."""
        query = select(AlertEntries.__table__).where(AlertEntries.alert_id == alert)
        rows = self._connection.execute(query.order_by(AlertEntries.id))
        return [Entry(**row._mapping) for row in rows]

    def notify(self, alert: int, key: str, kind: str, routes: Iterable[str], now: datetime) -> None:
        """Queue one notice for each route."""
        for route in routes:
            self._connection.execute(
                insert(AlertNotices).values(
                    key=f"{key}:{kind}:{route}",
                    alert_id=alert,
                    route=route,
                    kind=kind,
                    queued_at=now,
                )
            )

    def notices(self, *, unsent: bool = True, limit: int = 1_000) -> list[Notice]:
        """Return the oldest notices, those that are still to be sent or all."""
        query = select(AlertNotices.__table__).order_by(AlertNotices.id).limit(limit)
        query = query.where(AlertNotices.sent_at.is_(None)) if unsent else query
        return [Notice(**row._mapping) for row in self._connection.execute(query)]

    def add_silence(self, **values: object) -> int:
        """Store a silence; return its number."""
        new = insert(AlertSilences).values(**values).returning(AlertSilences.id)
        return int(self._connection.execute(new).scalar_one())

    def silences(self, now: datetime) -> list[Silence]:
        """Return the silences that hold at `now`."""
        query = select(AlertSilences.__table__).where(
            AlertSilences.starts_at <= now, AlertSilences.ends_at > now
        )
        rows = self._connection.execute(query.order_by(AlertSilences.id))
        return [Silence(**row._mapping) for row in rows]
