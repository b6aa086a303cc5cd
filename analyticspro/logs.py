"""Structured logs: one JSON object a line, in the home's folder `logs`, rotated by size.

    {"at": "2026-11-05T12:00:00.123+00:00", "level": "info", "service": "api",
     "event": "request", "request_id": "4be1…", "route": "/v1/query", "status": 200, …}

A secret is kept out by never being passed: no headers, no bodies, no query strings, no
values of settings. What a process knows to be secret is struck out besides, wherever it
would show.
"""

from __future__ import annotations

import json
import logging
import logging.handlers
import os
import sys
import traceback
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from datetime import UTC, datetime
from io import TextIOWrapper
from pathlib import Path
from typing import Any

from analyticspro.config import Home

__all__ = ["error", "info", "log_file", "request_id", "warning", "writing"]

LARGEST_FILE = 10_000_000  # bytes
_FILES_KEPT = 5
_LONGEST_TEXT = 16_000  # characters of one field; a traceback through Polars has 3,000

_encode = json.JSONEncoder(ensure_ascii=False, default=str).encode
_logger = logging.getLogger("analyticspro")
_logger.addHandler(logging.NullHandler())  # a notebook that asks for no logs gets none

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)
"""The request that is being answered; every line logged meanwhile carries it."""


def log_file(home: Home, service: str) -> Path:
    """Return where a service logs; older lines are in files of that name, .1 the newest."""
    return home.path / "logs" / f"{service}.jsonl"


@contextmanager
def writing(
    home: Home,
    service: str,
    *,
    hidden: Collection[str] = (),
    largest_file: int = LARGEST_FILE,
) -> Iterator[None]:
    """Log what is told into the file of `service`, for as long as the block.

    One process to a service: two would rotate the file under each other's feet.

    Args:
        home: The workspace.
        service: Who logs.
        hidden: Texts that are struck out wherever they would show, such as the token.
        largest_file: Bytes after which a new file is begun; a few older ones are kept.
    """
    handler = _PrivateFile(
        log_file(home, service),
        maxBytes=largest_file,
        backupCount=_FILES_KEPT,
        encoding="utf-8",
        errors="backslashreplace",  # half a surrogate must not cost the line
        delay=True,  # a folder that cannot be written is no reason not to start
    )
    handler.setFormatter(_JsonLine(service, hidden))
    level, propagates = _logger.level, _logger.propagate
    _logger.addHandler(handler)
    _logger.setLevel(logging.INFO)
    _logger.propagate = False  # once is enough
    try:
        yield
    finally:
        _logger.removeHandler(handler)
        _logger.setLevel(level)
        _logger.propagate = propagates
        handler.close()


def info(event: str, **fields: object) -> None:
    """Log that something happened."""
    _logger.info(event, extra={"fields": fields})


def warning(event: str, **fields: object) -> None:
    """Log something that someone should look at."""
    _logger.warning(event, extra={"fields": fields})


def error(event: str, cause: BaseException, **fields: object) -> None:
    """Log a failure with the way it took through the code."""
    _logger.error(event, exc_info=cause, extra={"fields": fields})


class _JsonLine(logging.Formatter):
    def __init__(self, service: str, hidden: Collection[str]) -> None:
        super().__init__()
        self._service = service
        self._hidden = [text for text in hidden if text]

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC)
        line: dict[str, Any] = {
            "at": at.isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "service": self._service,
            "event": record.getMessage(),
        }
        if under := request_id.get():
            line["request_id"] = under
        fields: dict[str, object] = getattr(record, "fields", {})
        line |= {name: _short(value) for name, value in fields.items() if name not in line}
        if record.exc_info:
            line["traceback"] = _short("".join(traceback.format_exception(record.exc_info[1])))
        text = _encode(line)
        for secret in self._hidden:
            text = text.replace(secret, "•••")
        return text


def _short(value: object) -> object:
    """Return a text without its middle if it is too long; anything else as it is."""
    if not isinstance(value, str) or len(value) <= _LONGEST_TEXT:
        return value
    half = _LONGEST_TEXT // 2
    return f"{value[:half]} … {value[-half:]}"


class _PrivateFile(logging.handlers.RotatingFileHandler):
    """A rotated file for the owner's eyes only. A full disk is no reason to fail a request."""

    _lost = 0

    def _open(self) -> TextIOWrapper:
        descriptor = os.open(self.baseFilename, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        size = os.fstat(descriptor).st_size
        if size and os.pread(descriptor, 1, size - 1) != b"\n":
            os.write(descriptor, b"\n")  # a kill or a full disk has cut the last line short
        return open(descriptor, "a", encoding=self.encoding, errors=self.errors)

    def emit(self, record: logging.LogRecord) -> None:
        lost_before = self._lost
        super().emit(record)
        if self._lost == lost_before:
            self._lost = 0

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 (logging's name)
        """Say once that lines are lost, until one can be written again."""
        self._lost += 1
        if self._lost == 1:
            sys.stderr.write(f"{self.baseFilename} cannot be written: {sys.exc_info()[1]}\n")
        stream, self.stream = self.stream, None
        if stream is not None:
            with suppress(OSError):  # it still holds what it could not write
                stream.close()
