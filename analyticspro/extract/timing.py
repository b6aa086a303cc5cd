"""Whatever of time extraction depends on, as one argument."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from analyticspro import clock

__all__ = ["Timing"]


@dataclass(frozen=True)
class Timing:
    """How to wait, and what time it is.

    Attributes:
        sleep: Waits so many seconds. It may raise `Stopped`, which ends the reading.
        monotonic: Seconds that never go back.
        now: The present instant, UTC.
        chance: A number from 0 to 1, which spreads repeated requests.
    """

    sleep: Callable[[float], None] = time.sleep
    monotonic: Callable[[], float] = time.monotonic
    now: Callable[[], datetime] = clock.now
    chance: Callable[[], float] = random.random
