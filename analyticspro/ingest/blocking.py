"""Leaves blocked properties out of events before anything of them is stored."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import polars as pl

from analyticspro.connectors.json_text import Number, json_text
from analyticspro.warehouse import EVERY, keys_of

__all__ = ["DROPPED", "Blocked", "Columns", "without", "without_in_raw"]

Blocked: TypeAlias = Sequence[tuple[str, str]]  # event name (or EVERY) and path of each
# By the name of a property, the column of the source that it is taken from.
Columns: TypeAlias = Mapping[str, str]
_Keys: TypeAlias = tuple[str, ...]

DROPPED = pl.Schema({"row": pl.UInt32, "name": pl.String, "path": pl.String})


def without(
    events: pl.DataFrame, blocked: Blocked, columns: Columns
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the events without their blocked properties, and which were left out.

    In `raw` a property is known by its column where that is declared; else whatever is called
    so, however deep, is left out: rather too much of it than too little. A raw record that is
    no JSON object is left out whole.

    Args:
        events: Rows of `events.SCHEMA`.
        blocked: What is blocked; the name is that of the mark.
        columns: Where the properties come from.

    Returns:
        The events, and a frame of `DROPPED` for the values that were in properties: row, name
        and path of the mark.
    """
    names = set(events["name"].unique())
    own = [(name, path) for name, path in blocked if name == EVERY or name in names]
    if not own or events.height == 0:
        return events, pl.DataFrame(schema=DROPPED)
    keys = {path: keys_of(path) for _, path in own}
    chains = {path: _chains(keys[path], columns) for path in keys}
    concerned = _concerned(events, own, keys, chains)
    names_of = events["name"].to_list()
    properties, raws = events["properties"].to_list(), events["raw"].to_list()
    dropped: list[tuple[int, str, str]] = []
    for row in concerned:
        name = names_of[row]
        for mark, path in own:
            if mark not in (EVERY, name):
                continue
            is_there, properties[row] = _cut(properties[row], (keys[path],), is_deep=False)
            if is_there:
                dropped.append((row, mark, path))
            raws[row] = _raw(raws[row], chains[path], is_dropped=is_there)
    changed = events.with_columns(
        pl.Series("properties", properties, pl.String), pl.Series("raw", raws, pl.String)
    )
    return changed, pl.DataFrame(dropped, schema=DROPPED, orient="row")


def without_in_raw(rejects: pl.DataFrame, blocked: Blocked, columns: Columns) -> pl.DataFrame:
    """Return records that were set aside without what is blocked in the events of any name.

    Which event one would have been nobody knows. A record that is no JSON is kept as it is.

    Args:
        rejects: Rows of `REJECTS`.
        blocked: What is blocked.
        columns: Where the properties come from.
    """
    if not blocked or rejects.height == 0:
        return rejects
    chains = {path: _chains(keys_of(path), columns) for _, path in blocked}
    hidden = {".".join(chain) for found, _ in chains.values() for chain in found}
    raws = rejects["raw"].to_list()
    for row, text in enumerate(raws):
        for found, is_deep in chains.values():
            if text is not None and text.lstrip().startswith("{"):
                _, text = _cut(text, found, is_deep=is_deep)
        raws[row] = text
    value = pl.when(~pl.col("field").is_in(hidden).fill_null(value=False)).then("value")
    return rejects.with_columns(value.alias("value"), pl.Series("raw", raws, pl.String))


def _chains(keys: _Keys, columns: Columns) -> tuple[tuple[_Keys, ...], bool]:
    """Return the keys under which a raw record may hold a property, and whether at any depth."""
    column = columns.get(keys[0])
    if column is not None:
        inner = keys[1:]
        return tuple(dict.fromkeys([(column, *inner), (*column.split("."), *inner)])), False
    return tuple(dict.fromkeys([keys, (".".join(keys),)])), True


def _concerned(
    events: pl.DataFrame,
    own: Blocked,
    keys: Mapping[str, _Keys],
    chains: Mapping[str, tuple[tuple[_Keys, ...], bool]],
) -> list[int]:
    """Return the rows that may hold something blocked: most hold nothing, and stay as they are."""
    names = {name for name, _ in own}
    last = {keys[path][-1] for _, path in own}
    last |= {chain[-1] for _, path in own for chain in chains[path][0]}
    # A key may be written with escapes, as "\u0065mail".
    wanted = ["\\", *sorted(json.dumps(key, ensure_ascii=False)[1:-1] for key in last)]
    is_named = pl.lit(EVERY in names) | pl.col("name").is_in(names)
    may_hold = pl.any_horizontal(
        pl.col(column).str.contains_any(wanted).fill_null(value=False)
        for column in ("properties", "raw")
    )
    return events.select((is_named & may_hold).arg_true()).to_series().to_list()


def _raw(
    text: str | None, chains: tuple[tuple[_Keys, ...], bool], *, is_dropped: bool
) -> str | None:
    if text is None:
        return None
    if text.lstrip().startswith("{"):
        return _cut(text, chains[0], is_deep=chains[1])[1]
    return None if is_dropped else text


def _cut(text: str, chains: Sequence[_Keys], *, is_deep: bool) -> tuple[bool, str]:
    """Return whether there was a value at `chains` in a JSON object, and it without that."""
    # A key may be written with escapes, as "\\u0065mail".
    if "\\" not in text and not any(chain[-1] in text for chain in chains):
        return False, text
    try:
        write: Callable[[Any], str] = _WRITE
        try:
            whole = json.loads(text, parse_float=_plain_float)
        except _Odd:
            whole, write = json.loads(text, parse_float=Number), json_text
        found = [_take(whole, chain, is_deep=is_deep) for chain in chains]
        is_changed = any(each is not None for each in found)
        return any(found), write(whole) if is_changed else text
    except (ValueError, RecursionError):
        return True, "{}"  # nobody knows what is in it


class _Odd(Exception):
    """A number that is written otherwise than Python would."""


_WRITE = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def _plain_float(text: str) -> float:
    value = float(text)
    if repr(value) != text:
        raise _Odd
    return value


def _take(value: Any, chain: _Keys, *, is_deep: bool) -> bool | None:
    """Take what stands at `chain` out of `value`; below it too, if `is_deep`.

    Return whether it was a value, not null; None if nothing stood there.
    """
    found: bool | None = None
    if isinstance(value, dict):
        inner = value
        for key in chain[:-1]:
            inner = inner.get(key) if isinstance(inner, dict) else None  # type: ignore[assignment]
        if isinstance(inner, dict) and chain[-1] in inner:
            found = inner.pop(chain[-1]) is not None
    if is_deep and isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            deeper = _take(each, chain, is_deep=True)
            found = found if deeper is None else bool(found) or deeper
    return found
