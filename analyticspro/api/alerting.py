"""Judges the rules of alerts beside the answers: in a thread of its own, after each commit."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from analyticspro import clock, logs
from analyticspro.errors import AnalyticsProError

if TYPE_CHECKING:
    from analyticspro.alerts.book import AlertBook
    from analyticspro.alerts.evaluator import Evaluator, Judged
    from analyticspro.state import State
    from analyticspro.workspace import Workspace

__all__ = ["Alerting"]

_EVERY_S = 0.25
_AFTER_FAILURE_S = 5.0
_END_WITHIN_S = 30.0


class Alerting:
    """Looks at the rules four times a second; where nothing was committed, that costs a glance.

    The state database is opened when there is one: a home without rules never opens it for this.
    """

    def __init__(self, workspace: Workspace, *, every_s: float = _EVERY_S) -> None:
        self._workspace = workspace
        self._every_s = every_s
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="alerts", daemon=True)
        self._held = ExitStack()
        self._state: State | None = None
        self._one_opens = threading.Lock()
        self._looked_at = time.monotonic()
        self._failures = 0
        self._transitions = 0
        self._last_took_s = 0.0

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self) -> None:
        """End once the look at hand is done, and let go of the database."""
        self._ending.set()
        if self._thread.ident is not None:
            self._thread.join(_END_WITHIN_S)
        self._held.close()

    def book(self) -> AlertBook:
        """Return the rules and alerts, for the endpoints that are about them."""
        from analyticspro.alerts.book import AlertBook

        return AlertBook(self._opened())

    def figures(self) -> dict[str, tuple[str, Callable[[], float]]]:
        """Return what is told of the evaluator: name → what it means, and how to read it."""
        lag = "Since the rules of alerts were last looked at."
        return {
            "alerts_lag_seconds": (lag, lambda: time.monotonic() - self._looked_at),
            "alerts_look_seconds": (
                "How long the last look took that judged a rule.",
                lambda: self._last_took_s,
            ),
            "alerts_failures": ("Looks that failed; the log says why.", lambda: self._failures),
            "alerts_transitions": (
                "Firings, resolutions and corrections so far.",
                lambda: self._transitions,
            ),
        }

    def _opened(self) -> State:
        from analyticspro.state import State

        with self._one_opens:
            if self._state is None:
                address = self._workspace.home.state_address
                self._state = self._held.enter_context(State.open(address))
            return self._state

    def _is_there(self) -> bool:
        address = self._workspace.home.state_address
        return "://" in address or Path(address).exists()

    def _run(self) -> None:
        evaluator: Evaluator | None = None
        while not self._ending.wait(self._every_s):
            try:
                if evaluator is None and self._is_there():
                    evaluator = self._evaluator()
                if evaluator is not None:
                    self._note(evaluator)
                self._looked_at = time.monotonic()
            except AnalyticsProError as error:
                self._failed(error)
            except Exception as error:  # noqa: BLE001 — whatever it is, alerts must not fall silent for good
                self._failed(error)
                evaluator = None

    def _evaluator(self) -> Evaluator:
        from analyticspro.alerts.evaluator import Evaluator

        return Evaluator(self._opened(), self._workspace.watched())

    def _note(self, evaluator: Evaluator) -> None:
        started = time.monotonic()
        judged: Judged = evaluator.look(clock.now())
        if judged.rules:
            self._last_took_s = time.monotonic() - started
        if judged.transitions:
            self._transitions += judged.transitions
            logs.info("alerts", transitions=judged.transitions, revision=judged.revision)

    def _failed(self, error: Exception) -> None:
        self._failures += 1
        logs.error("alerts not judged", error)
        self._ending.wait(_AFTER_FAILURE_S)
