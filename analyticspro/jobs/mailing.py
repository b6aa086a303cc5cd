"""Delivers the mail of a workspace, and clears away what has ended, as long as it runs."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta

from analyticspro import clock, logs
from analyticspro.accounts import Accounts
from analyticspro.config import Home
from analyticspro.errors import AnalyticsProError
from analyticspro.outbox import MailServer, Round, Worker
from analyticspro.state import State

__all__ = ["deliver", "keep_delivering"]

_LOOK_EVERY_S = 5.0
_TIDY_EVERY = timedelta(hours=1)


def deliver(home: Home, state: State, name: str, stop: threading.Event | None = None) -> Round:
    """Send what is due, if a mail server is set; raises SettingError if it cannot be used."""
    server = MailServer.of(home)
    if server is None:
        return Round()
    return Worker(state, server, sender=home.settings.mail_from, name=name).deliver(stop)


def keep_delivering(home: Home, state: State, name: str, stop: threading.Event) -> None:
    """Send what is due every few seconds, with the settings of then, until told to end."""
    told = ""
    tidied_at: datetime | None = None
    while not stop.is_set():
        try:
            fresh = Home(home.path)  # its settings are read once
            deliver(fresh, state, name, stop)
            if tidied_at is None or clock.now() >= tidied_at + _TIDY_EVERY:
                tidied_at = clock.now()
                Accounts.of(fresh, state, base_url="").tidy(now=tidied_at)
            problem = ""
        except AnalyticsProError as error:
            problem = str(error)
        if problem and problem != told:
            logs.warning("mail", reason=problem)
        told = problem
        stop.wait(_LOOK_EVERY_S)
