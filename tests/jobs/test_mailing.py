"""The scheduler of a workspace sends its mail, once a server is set."""

from __future__ import annotations

import signal
import subprocess
import sys

from analyticspro import clock
from analyticspro.config import Home
from analyticspro.outbox import MailState, Message, Outbox
from analyticspro.state import State
from tests.local import until
from tests.servers.smtp import mail_server


def test_what_is_queued_is_sent_by_the_scheduler(home: Home):
    with mail_server() as server, State.open(home.state_address) as state:
        home.write_settings(
            mail_url=f"smtp://127.0.0.1:{server.port}", mail_from="Acme <acme@acme.example>"
        )
        outbox = Outbox(state, sender=home.settings.mail_from)
        with state.writing() as connection:
            message = Message("ada@acme.example", "Hello", "Hello", "report")
            outbox.enqueue(connection, message, now=clock.now())
        command = [sys.executable, "-m", "analyticspro.jobs", "--home", str(home.path)]
        scheduler = subprocess.Popen(command)
        try:
            until(lambda: outbox.counts()[MailState.SENT] == 1)
        finally:
            scheduler.send_signal(signal.SIGTERM)
            assert scheduler.wait(30) == 0
        assert [taken.recipients for taken in server.taken] == [["ada@acme.example"]]
