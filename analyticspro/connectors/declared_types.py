"""The kinds of text that a declaration holds: names, zones, forms of a time, lengths of time."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, PlainSerializer

from analyticspro.connectors.values import EPOCHS
from analyticspro.errors import DefinitionError
from analyticspro.events import OWN_SOURCE, check_name
from analyticspro.money import exponent

__all__ = ["Columns", "Currency", "EventName", "Every", "SourceName", "TimeFormat", "Zone"]

_SOME_DAY = datetime(2011, 11, 5, 14, 30, tzinfo=UTC)
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def _event_name(name: str) -> str:
    try:
        return check_name(name)
    except DefinitionError as error:
        raise ValueError(str(error)) from None


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError("is no IANA zone; write one such as Europe/London") from None
    return name


def _source_name(name: str) -> str:
    if re.fullmatch(r"[a-z][a-z0-9_]{0,59}", name) is None:
        raise ValueError("a source's name has small letters, digits and underscores only")
    if name == OWN_SOURCE:
        raise ValueError(f"{OWN_SOURCE} is what the workspace tells of itself; choose another name")
    return name


def _time_format(form: str) -> str:
    if form in EPOCHS:
        return form
    try:
        if "%" not in form:
            raise ValueError("has no part of a time")
        datetime.strptime(_SOME_DAY.strftime(form), form)
    except ValueError as error:
        raise ValueError(
            f"{error}; write one such as %Y-%m-%d %H:%M:%S, or {' or '.join(EPOCHS)}"
        ) from None
    return form


def _once(columns: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(columns)) < len(columns):
        raise ValueError("names a column twice")
    return columns


def _currency(code: str) -> str:
    try:
        exponent(code)
    except DefinitionError as error:
        raise ValueError(str(error)) from None
    return code


def _duration(text: object) -> object:
    found = re.fullmatch(r"([1-9]\d{0,5})\s*([smhd])", text) if isinstance(text, str) else None
    if found is None:
        return text
    return timedelta(seconds=int(found[1]) * _SECONDS[found[2]])


def _is_length(length: timedelta) -> timedelta:
    if not timedelta(seconds=1) <= length <= timedelta(days=366):
        raise ValueError("must be from 1s to 366d")
    return length


def _written(length: timedelta) -> str:
    return f"{length // timedelta(seconds=1)}s"


Columns = Annotated[tuple[str, ...], AfterValidator(_once)]
Currency = Annotated[str, AfterValidator(_currency)]
EventName = Annotated[str, AfterValidator(_event_name)]
Every = Annotated[
    timedelta,
    BeforeValidator(_duration),
    AfterValidator(_is_length),
    PlainSerializer(_written, when_used="json"),
]
SourceName = Annotated[str, AfterValidator(_source_name)]
TimeFormat = Annotated[str, AfterValidator(_time_format)]
Zone = Annotated[str, AfterValidator(_zone)]
