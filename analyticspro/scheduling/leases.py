"""Who has fallen silent, told without comparing any two clocks."""

from __future__ import annotations

from collections.abc import Iterable

from analyticspro.state import Run

__all__ = ["Silences"]


class Silences:
    """Watches the beats of running runs.

    An owner counts as gone when its beat has not changed for the length of its lease, both
    measured by the watcher's own stopwatch. Wall clocks play no part, so one that is wrong,
    set back, or set forward neither takes a run from a live owner nor keeps a dead one's.
    A watcher that has just started therefore waits a whole lease before it takes anything.
    """

    def __init__(self) -> None:
        self._seen: dict[int, tuple[int, int, float]] = {}

    def of(self, running: Iterable[Run], elapsed_s: float) -> list[Run]:
        """Return those of the running runs whose owner has been silent for its whole lease.

        Args:
            running: All runs that are running, as just read.
            elapsed_s: What the stopwatch shows.
        """
        seen, silent = {}, []
        for run in running:
            attempt, beat, since = self._seen.get(run.id, (0, 0, elapsed_s))
            if (attempt, beat) != (run.attempt, run.beat):
                since = elapsed_s
            seen[run.id] = (run.attempt, run.beat, since)
            if elapsed_s - since > (run.lease_s or 0):
                silent.append(run)
        self._seen = seen
        return silent
