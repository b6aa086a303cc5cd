"""Figures that many ask for at the same time, worked out once."""

from __future__ import annotations

import threading
from concurrent.futures import Future

from analyticspro.api.figures import Figures, Wanted, worked_out
from analyticspro.errors import Stopped
from analyticspro.policy import Scope
from analyticspro.warehouse import Ending
from analyticspro.workspace import Workspace

__all__ = ["AtOnce"]

_LOOK_S = 0.05
_Key = tuple[Wanted, Scope, tuple[int, int]]


class AtOnce:
    """Works figures out once for all of a scope who ask for the same while it is done.

    A Monday morning's fifty viewers else have the same queries answered fifty times, all of
    them at once. Whoever asks after a commit does not get what was begun before it.
    """

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._lock = threading.Lock()
        self._begun: dict[_Key, Future[Figures]] = {}

    def figures(self, wanted: Wanted, scope: Scope, ending: Ending) -> Figures:
        """Return the figures; waits for them.

        Raises:
            AnalyticsProError: They cannot be had.
            Stopped: `ending` had it end. Whoever waits for the same begins anew.
        """
        while True:
            key = (wanted, scope, self._workspace.newest)
            with self._lock:
                begun = self._begun.get(key)
                mine = Future[Figures]() if begun is None else None
                if mine is not None:
                    self._begun[key] = mine
            if mine is not None:
                return self._work_out(key, mine, ending)
            assert begun is not None
            found = _waited_for(begun, ending)
            if found is not None:
                return found

    def _work_out(self, key: _Key, mine: Future[Figures], ending: Ending) -> Figures:
        wanted, scope, _ = key
        try:
            [found] = worked_out(self._workspace, scope, [wanted], ending)
            mine.set_result(found)
            return found
        except BaseException as error:
            mine.set_exception(error)
            raise
        finally:
            with self._lock:
                del self._begun[key]


def _waited_for(begun: Future[Figures], ending: Ending) -> Figures | None:
    """Return what another works out; None if it was stopped."""
    while True:
        ending.check()
        try:
            return begun.result(_LOOK_S)
        except TimeoutError:
            continue
        except Stopped:
            return None
