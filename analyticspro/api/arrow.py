"""Frames as they are sent, with their provenance in a header."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from typing import Any

import polars as pl
from fastapi import Response

__all__ = ["ARROW", "answer_in_arrow", "arrow"]

ARROW = "application/vnd.apache.arrow.stream"
# Proxies and clients refuse long headers: most at 16 KiB or more, some at 8.
_LONGEST_HEADER = 7_500
_LONG_PARTS = ("sql", "statements", "metrics", "notes")


def answer_in_arrow(frame: pl.DataFrame, provenance: Mapping[str, Any]) -> Response:
    """Return the answer whose body is `frame`; of a long provenance the header says less.

    What is left out it names in `left_out`; asked for in JSON, the answer has it all.
    """
    said, left_out = dict(provenance), []
    for part in _LONG_PARTS:
        if len(json.dumps(said)) <= _LONGEST_HEADER:
            break
        if said.pop(part, None) is not None:
            left_out.append(part)
            said["left_out"] = left_out
    headers = {"Analyticspro-Provenance": json.dumps(said)}
    return Response(arrow(frame), media_type=ARROW, headers=headers)


def arrow(frame: pl.DataFrame) -> bytes:
    """Return a frame as an Arrow IPC stream."""
    buffer = io.BytesIO()
    # The oldest level is the one every Arrow reader knows (no string views).
    frame.write_ipc_stream(buffer, compat_level=pl.CompatLevel.oldest())
    return buffer.getvalue()
