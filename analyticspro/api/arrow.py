"""Frames as they are sent."""

from __future__ import annotations

import io

import polars as pl

__all__ = ["ARROW", "arrow"]

ARROW = "application/vnd.apache.arrow.stream"


def arrow(frame: pl.DataFrame) -> bytes:
    """Return a frame as an Arrow IPC stream."""
    buffer = io.BytesIO()
    # The oldest level is the one every Arrow reader knows (no string views).
    frame.write_ipc_stream(buffer, compat_level=pl.CompatLevel.oldest())
    return buffer.getvalue()
