"""What surrounds the process."""

from __future__ import annotations

import os
from collections.abc import Mapping

__all__ = ["environment"]


def environment() -> Mapping[str, str]:
    """Return the process environment; nothing else in the library reads `os.environ`."""
    return os.environ
