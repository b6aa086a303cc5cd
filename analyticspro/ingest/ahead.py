"""Makes the next item while the one before is at work."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

__all__ = ["ahead"]

T = TypeVar("T")


def ahead(items: Iterator[T]) -> Iterator[T]:
    """Yield `items`, the next of which is made in a thread of its own meanwhile.

    >>> list(ahead(iter("abc")))
    ['a', 'b', 'c']
    """
    with ThreadPoolExecutor(1, thread_name_prefix="ahead") as thread:
        upcoming = thread.submit(_following, items)
        while found := upcoming.result():
            upcoming = thread.submit(_following, items)
            yield found[0]


def _following(items: Iterator[T]) -> list[T]:
    for item in items:
        return [item]
    return []
