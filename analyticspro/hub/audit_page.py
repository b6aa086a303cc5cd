"""The audit log on screen, and as a file."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import partial
from typing import Any, ClassVar

from tornado.web import HTTPError

from analyticspro import clock
from analyticspro.accounts import Person
from analyticspro.audit import AuditRow, Verdict
from analyticspro.errors import AnalyticsProError
from analyticspro.hub.audit_search import Search
from analyticspro.hub.pages import Page
from analyticspro.policy import Capability

__all__ = ["Audit", "AuditFile", "cell"]

_A_PAGE = 50
_A_CHUNK = 1_000
_MOST_IN_A_FILE = 100_000
_HEADINGS = ("entry", "at", "who", "name", "origin", "action", "subject", "outcome", "reason")
# Tables of other programs take what begins so for a formula; a tab or a line goes before it.
_FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n", "\N{FULLWIDTH EQUALS SIGN}",
             "\N{FULLWIDTH PLUS SIGN}", "\N{FULLWIDTH HYPHEN-MINUS}",
             "\N{FULLWIDTH COMMERCIAL AT}")  # fmt: skip


class _AboutAudit(Page, needs=Capability.AUDIT_READ):
    async def people(self) -> dict[str, Person]:
        """Return everybody by username."""
        found = await self.reception.read(self.reception.accounts.directory.all)
        return {one.username: one for one in found}

    async def found(self, limit: int, filters: dict[str, Any]) -> list[AuditRow]:
        """Return entries, the newest first."""
        return await self.reception.read(partial(self.reception.audit.newest, limit, **filters))


class Audit(_AboutAudit):
    """Entries that were looked for, and whether the chain of all holds."""

    verdicts: ClassVar[dict[str, tuple[datetime, Verdict]]] = {}  # by home, of the last look

    async def get(self) -> None:
        """Show a page of them."""
        await self._show()

    async def post(self) -> None:
        """Verify the chain, from the first entry to the last."""
        verdict = await self.reception.read(self.reception.audit.verify)
        self.verdicts[str(self.reception.home.path)] = (clock.now(), verdict)
        note = partial(
            self.reception.audit.record, self.actor(), "audit.verify", "audit log",
            "" if verdict.is_whole else verdict.problems[0], now=clock.now(),
        )  # fmt: skip
        await self.reception.read(note)
        await self._show()

    async def _show(self) -> None:
        search = Search.sent(self.get_query_argument)
        people = await self.people()
        verified = self.verdicts.get(str(self.reception.home.path))
        values: dict[str, Any] = {"search": search, "people": people, "verified": verified}
        try:
            rows = await self.found(_A_PAGE + 1, search.filters(people))
        except AnalyticsProError as error:
            await self.show_error("policies/audit", error, **(values | {"rows": [], "older": ""}))
            return
        more = len(rows) > _A_PAGE
        older = search.address(before=rows[_A_PAGE - 1].seq) if more else ""
        await self.show("policies/audit", **values, rows=rows[:_A_PAGE], older=older)


class AuditFile(_AboutAudit):
    """The entries that were looked for, as a file; for who may export, and noted as that."""

    async def get(self) -> None:
        """Send it."""
        if not self.may(Capability.EXPORT):
            raise HTTPError(403)
        search = Search.sent(self.get_query_argument)
        people = await self.people()
        filters = search.filters(people)
        told = search.address() or "all entries"
        note = partial(
            self.reception.audit.record, self.actor(), "export.audit", "audit log",
            f"CSV of {told}", now=clock.now(),
        )  # fmt: skip
        await self.reception.read(note)  # before the first byte: what cannot be noted is not sent
        self.set_header("Content-Type", "text/csv; charset=utf-8")
        name = f"audit-{clock.now():%Y-%m-%d}.csv"
        self.set_header("Content-Disposition", f'attachment; filename="{name}"')
        self.write(_line(_HEADINGS))
        sent = 0
        while sent < _MOST_IN_A_FILE:
            rows = await self.found(_A_CHUNK, filters)
            for row in rows:
                self.write(_line(_cells(row, people)))
            await self.flush()
            sent += len(rows)
            if len(rows) < _A_CHUNK:
                break
            filters["before"] = rows[-1].seq
        self.finish()


def cell(text: str) -> str:
    """Return a text that no table of another program takes for a formula.

    >>> cell("=1+1"), cell(" @SUM(A1)"), cell("p12")
    ("'=1+1", "' @SUM(A1)", 'p12')
    """
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULAS) else text


def _cells(row: AuditRow, people: Mapping[str, Person]) -> Iterator[str]:
    person = people.get(row.who)
    yield from (str(row.seq), row.at.isoformat(), row.who, person.name if person else "")
    yield from (row.origin, row.action, row.subject)
    yield from ("done" if row.allowed else "refused", row.reason)


def _line(cells: Any) -> str:
    line = io.StringIO()
    csv.writer(line).writerow(map(cell, cells))
    return line.getvalue()
