"""The rates connector: a table of exchange rates, as events that are versioned."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

import polars as pl

from analyticspro.connectors.batch import REJECTS, Batch
from analyticspro.connectors.page import Page
from analyticspro.connectors.rates_table import LARGEST, Rate, read_rates, remapped, unzipped
from analyticspro.connectors.records import RECORDS_PER_BATCH
from analyticspro.errors import SourceError
from analyticspro.events import SCHEMA, WriteMode, event_id
from analyticspro.extract import Anonymous, Request, Retry, Session, Timing

if TYPE_CHECKING:
    from analyticspro.connectors.rates_source import RatesSource

__all__ = ["STREAM", "RatesConnector"]

STREAM = "rates"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class _Cursor(TypedDict):
    """What was read before.

    Attributes:
        table: Digest of the whole table, once it was read to its end.
        version: The highest that was given to a rate.
        months: For each month its last day with a rate, and the digest of the rates up to it.
    """

    table: str | None
    version: int
    months: dict[str, tuple[str, str]]


class RatesConnector:
    """Reads a table of rates; gives what is new in it, and each month that was corrected.

    A rate is known by its currency and its day. Its version is when it was read, so a
    correction supersedes it, and what was known at an earlier moment stays readable. A rate
    that vanishes from the table stays.
    """

    def __init__(self, source: RatesSource, timing: Timing | None = None) -> None:
        self.name = source.name
        self._source = source
        self._timing = timing or Timing()

    def streams(self) -> Mapping[str, WriteMode]:
        """Return the one stream, whose later versions supersede earlier ones."""
        return {STREAM: WriteMode.MERGE}

    def read(self, stream: str, cursor: str | None, *, now: datetime) -> Iterator[Page]:
        """Yield the rates that are new or were corrected since `cursor`, the oldest first."""
        known: _Cursor = (
            {"table": None, "version": 0, "months": {}} if cursor is None else json.loads(cursor)
        )
        content, location = self._content()
        digest = _digest([hashlib.blake2b(content).hexdigest(), self._source.model_dump_json()])
        if digest == known["table"]:
            return
        rates, rejects = read_rates(self._source, unzipped(content, location), location)
        # A clock that was put back must not make a correction look older than what it corrects.
        version = max((now - _EPOCH) // timedelta(microseconds=1), known["version"] + 1)
        told: _Cursor = {"table": None, "version": version, "months": dict(known["months"])}
        chunk: list[Rate] = []
        for month, group in groupby(rates, key=lambda rate: f"{rate.on:%Y-%m}"):
            of_month = list(group)
            chunk += _news(of_month, known["months"].get(month))
            told["months"][month] = str(of_month[-1].on), _digest(map(_line, of_month))
            if len(chunk) >= RECORDS_PER_BATCH:
                yield Page(self._batch(chunk, [], version), _text(told))
                chunk = []
        told["table"] = digest
        yield Page(self._batch(chunk, rejects, version), _text(told))

    def remap(self, rejects: pl.DataFrame) -> Batch:
        """Return what becomes of rows that were set aside; what is no row stays as it is.

        Their rates get the lowest version: whatever was read since stands.
        """
        rates: list[Rate] = []
        wrong: list[dict[str, object]] = []
        for reject in rejects.iter_rows(named=True):
            good, bad = remapped(self._source, reject["raw"] or "")
            rates += good
            wrong += bad if good or bad else [reject]
        once = {(rate.on, rate.currency): rate for rate in rates}
        return replace(self._batch(list(once.values()), wrong, 0), records=rejects.height)

    def _content(self) -> tuple[bytes, str]:
        if self._source.path is None:
            return self._fetched(Request(self._source.url or ""))
        path = Path(self._source.path)
        try:
            with open(path, "rb") as file:
                content = file.read(LARGEST + 1)
        except OSError as error:
            raise SourceError(
                f"Source {self.name}: {path} cannot be read: {error.strerror}."
            ) from None
        if len(content) > LARGEST:
            raise SourceError(f"Source {self.name}: {path} holds more than {LARGEST / 1e6:g} MB.")
        return content, str(path)

    def _fetched(self, request: Request) -> tuple[bytes, str]:
        # It loads an HTTP library, which a table in a file does not need.
        from analyticspro.extract.transport import Transport

        whose = f"Source {self.name}"
        transport = Transport(self._timing, allow_http=self._source.allow_http, largest=LARGEST)
        with transport:
            session = Session(whose, transport, Anonymous(), None, Retry(), self._timing)
            _, content = session.fetch(request, lambda answer: answer.body, cure="Check url")
        return content, str(request)

    def _batch(self, rates: list[Rate], rejects: list[dict[str, object]], version: int) -> Batch:
        events = [self._event(rate, version) for rate in rates]
        return Batch(
            pl.DataFrame(events, schema=SCHEMA),
            pl.DataFrame(rejects, schema=REJECTS),
            0,
            len(events) + len(rejects),
            0,
        )

    def _event(self, rate: Rate, version: int) -> dict[str, object]:
        base = self._source.base
        day = str(rate.on)
        written = {"date": day, "currency": rate.currency, "rate": rate.written}
        return {
            "event_id": event_id(self.name, STREAM, base, rate.currency, day),
            "name": "rate_published",
            "occurred_at": datetime(rate.on.year, rate.on.month, rate.on.day, tzinfo=UTC),
            "currency": rate.currency,
            "properties": _text({"base": base, "rate": rate.rate, "date": day}),
            "raw": _text(written),
            "version": version,
        }


def _news(rates: list[Rate], known: tuple[str, str] | None) -> list[Rate]:
    """Return those of a month that are to be told: the later ones, or all after a correction."""
    if known is None:
        return rates
    last, digest = known
    before = [rate for rate in rates if str(rate.on) <= last]
    return rates[len(before) :] if _digest(map(_line, before)) == digest else rates


def _line(rate: Rate) -> str:
    return f"{rate.on} {rate.currency} {rate.rate}"


def _digest(texts: Iterable[str]) -> str:
    found = hashlib.blake2b(digest_size=8)
    for text in texts:
        found.update(text.encode() + b"\n")
    return found.hexdigest()


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
