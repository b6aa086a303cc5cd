"""How much one statement may take."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Limits"]


@dataclass(frozen=True)
class Limits:
    """What one statement may take, and one person.

    Attributes:
        seconds: Of running; shorter than whoever must wait for readers has patience.
        memory: By how many bytes the process may grow meanwhile; others' growth counts too.
        rows: Of an answer; what is beyond is cut off, and the answer says so.
        bytes: Of an answer as Arrow; what is beyond is cut off likewise.
        at_once: Statements of one person.
    """

    seconds: float = 20.0
    memory: int = 1 << 30
    rows: int = 100_000
    bytes: int = 64 << 20
    at_once: int = 2
