"""The files that the company's systems export: a new one for each stretch of time.

A file holds what came to be known in `[start, end)`, and is written whole or not at all.
"""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path

import polars as pl

from analyticspro.demo import Tale
from analyticspro.demo_company.records import german, moment, money

__all__ = ["EXPORTS", "export"]

# What one cannot read, as it is now and then in files of real systems.
_NO_ENTRY = "Kontostand {:%d.%m.%Y};;;;;;"
_BROKEN_TIMES = ("31/02/2026 09:30", "n/a")


def export(name: str, folder: Path, tale: Tale, start: datetime | None, end: datetime) -> None:
    """Write what system `name` exports of `[start, end)`; nothing if nothing happened then.

    Files of a later stretch, and one of the same start, are left from a time when this was
    stopped half-way: they are replaced.
    """
    system, ending, form = EXPORTS[name]
    own = folder / name
    own.mkdir(exist_ok=True)
    first = "0" if start is None else f"{start:%Y%m%dT%H%M%S}"
    for left in own.iterdir():
        if left.name.partition("-")[0] >= first or left.suffix == ".new":
            left.unlink()
    records = tale.between(system, start, end)
    if records.is_empty():
        return
    file = own / f"{first}-{end:%Y%m%dT%H%M%S}.{ending}"
    draft = file.with_name(f"{file.name}.new")
    draft.write_bytes(form(records, start, end))
    draft.replace(file)


def _web(records: pl.DataFrame, start: datetime | None, end: datetime) -> bytes:
    found = io.BytesIO()
    plain = records.drop("known_at").with_columns(pl.lit("messages").alias("stream"))
    plain.write_parquet(found, compression="zstd")
    return found.getvalue()


def _billing(records: pl.DataFrame, start: datetime | None, end: datetime) -> bytes:
    subscription = pl.struct(pl.col("subscription").alias("id"), "plan", "interval", "seats", "mrr")
    named = records.with_columns(moment("at"), customer="customer_id", subscription=subscription)
    told = named.filter(pl.col("amount").is_null())
    told = told.with_columns(money("mrr_change"))
    told = told.select("id", "type", "at", "customer", "country", "subscription", "mrr_change")
    return told.write_ndjson().encode()


def _invoices(records: pl.DataFrame, start: datetime | None, end: datetime) -> bytes:
    subscription = pl.struct(pl.col("subscription").alias("id"), "plan", "interval", "seats")
    told = records.filter(pl.col("amount").is_not_null()).select(
        "id",
        "type",
        "country",
        moment("at"),
        money("amount"),
        customer="customer_id",
        subscription=subscription,
    )
    return told.write_ndjson().encode()


def _bank(records: pl.DataFrame, start: datetime | None, end: datetime) -> bytes:
    lines = ["Buchungstag;Auftraggeber;Kunde;Verwendungszweck;Betrag;Währung;Referenz"]
    for row in records.iter_rows(named=True):
        lines.append(
            f"{row['at']:%d.%m.%Y};{row['name']};{row['partner']};Vertrag {row['tier']};"
            f"{german(row['amount'])};USD;{row['id']}"
        )
    lines.append(_NO_ENTRY.format(end))
    return ("\r\n".join(lines) + "\r\n").encode("cp1252")


def _support(records: pl.DataFrame, start: datetime | None, end: datetime) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(
        (
            *("id", "action", "at", "ticket", "customer", "country", "topic", "channel"),
            *("priority", "minutes", "csat"),
        )
    )
    for number, row in enumerate(records.iter_rows(named=True)):
        at = f"{row['at']:%Y-%m-%d %H:%M:%S}"
        if start is None and number % 400 == 399:  # someone typed it in by hand
            at = f"{row['at']:%d/%m/%Y %H:%M}"
        writer.writerow(
            [row["id"], row["type"].removeprefix("ticket_"), at, row["ticket"]]
            + [row[name] for name in ("customer_id", "country", "topic", "channel", "priority")]
            + [row["minutes"], row["csat"]]
        )
    for number, at in enumerate(_BROKEN_TIMES if start is None else ()):
        writer.writerow([f"note-x{number}", "opened", at, f"ticket-x{number}", *[""] * 7])
    return gzip.compress(text.getvalue().encode(), mtime=0)


_Form = Callable[[pl.DataFrame, datetime | None, datetime], bytes]
# By the source's name: the stream of the story, the ending of its files, how they are written.
EXPORTS: Mapping[str, tuple[str, str, _Form]] = {
    "web": ("web", "parquet", _web),
    "billing": ("subscriptions", "jsonl", _billing),
    "invoices": ("subscriptions", "jsonl", _invoices),
    "bank": ("payments", "csv", _bank),
    "support": ("tickets", "csv.gz", _support),
}
