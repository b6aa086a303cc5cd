"""Runs the api: `python -m analyticspro.api --home DIR`."""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from analyticspro.api.app import make_app
from analyticspro.config import Home
from analyticspro.errors import AnalyticsProError, SettingError
from analyticspro.workspace import Workspace

_WAIT_FOR_WAREHOUSE_S = 30.0


def main() -> int:
    """Serve until told to stop; return the exit code."""
    parser = argparse.ArgumentParser(description="Run the api of a workspace.")
    parser.add_argument("--home", help="folder of the workspace")
    home = Home.find(parser.parse_args().home)
    try:
        _serve(home.prepare())
    except AnalyticsProError as error:
        print(f"api: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def _serve(home: Home) -> None:
    settings = home.settings
    with (
        _listening(settings.host, settings.api_port) as listener,
        Workspace.open(home, wait_for_s=_WAIT_FOR_WAREHOUSE_S) as workspace,
        _announced(home, f"http://{settings.host}:{settings.api_port}"),
    ):
        app = make_app(workspace, home.token())
        config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=5)
        _Server(config).run(sockets=[listener])


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop on a signal and return, so that the warehouse is closed in order.

        Uvicorn's own raises the signal again once it has stopped, which ends the process
        where it stands.
        """
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self.handle_exit)
        yield


@contextmanager
def _listening(host: str, port: int) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError as error:
            raise SettingError(
                f"The api cannot listen on {host}:{port} ({error.strerror}). Set another "
                "port: api_port in settings.toml, or ANALYTICSPRO_API_PORT."
            ) from None
        yield listener


@contextmanager
def _announced(home: Home, address: str) -> Iterator[None]:
    """Say where the api is, for as long as it runs. A hard kill leaves the file behind."""
    draft = home.api_file.with_suffix(".new")
    draft.write_text(json.dumps({"url": address, "pid": os.getpid()}))
    draft.replace(home.api_file)
    try:
        yield
    finally:
        home.api_file.unlink(missing_ok=True)


if __name__ == "__main__":
    sys.exit(main())
