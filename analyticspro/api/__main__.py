"""Runs the api: `python -m analyticspro.api --home DIR`."""

from __future__ import annotations

import argparse
import os
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI

from analyticspro import logs
from analyticspro.api.app import make_app
from analyticspro.api.following import Following
from analyticspro.api.syncing import Loads
from analyticspro.client import announced, presence
from analyticspro.config import Addresses, Home
from analyticspro.errors import AnalyticsProError, SettingError, WarehouseBusy
from analyticspro.workspace import Workspace

_WAIT_FOR_WAREHOUSE_S = 30.0


def main() -> int:
    """Serve until told to stop; return the exit code."""
    parser = argparse.ArgumentParser(description="Run the api of a workspace.")
    parser.add_argument("--home", help="folder of the workspace")
    parser.add_argument(
        "--wait",
        type=float,
        default=_WAIT_FOR_WAREHOUSE_S,
        metavar="SECONDS",
        help="how long to wait for a command that is at work on the workspace (%(default)s)",
    )
    given = parser.parse_args()
    try:
        _serve(Home.find(given.home).prepare(), given.wait)
    except AnalyticsProError as error:
        print(f"api: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def _serve(home: Home, wait_for_s: float) -> None:
    settings, listened = home.settings, Addresses.of(home).inner_host
    host = f"[{listened}]" if ":" in listened else listened
    with (
        _listening(home) as listener,
        Workspace.open(home, wait_for_s=wait_for_s) as workspace,
        announced(home, f"http://{host}:{settings.api_port}"),
        logs.writing(home, "api", hidden=[home.token()]),
    ):
        logs.info("started", host=listened, port=settings.api_port, pid=os.getpid())
        _Server(make_app(workspace, home.token())).run(sockets=[listener])
        logs.info("stopped")


class _Server(uvicorn.Server):
    def __init__(self, app: FastAPI) -> None:
        super().__init__(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=5))
        self._loads: Loads = app.state.loads
        self._following: Following = app.state.following

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop on a signal and return, so that the warehouse is closed in order.

        Uvicorn's own raises the signal again once it has stopped, which ends the process
        where it stands.
        """
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self.handle_exit)
        yield

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the syncs at work and what is followed, so that their answers can be finished."""
        await self._following.close()
        await self._loads.end()
        await super().shutdown(sockets)


@contextmanager
def _listening(home: Home) -> Iterator[socket.socket]:
    host, port = Addresses.of(home).inner_host, home.settings.api_port
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError as error:
            running = presence(home)
            if running is not None:
                raise WarehouseBusy(
                    f"The api of {home.path} runs already, as process {running.pid}. "
                    "'analyticspro down' stops it."
                ) from None
            raise SettingError(
                f"The api cannot listen on {host}:{port} ({error.strerror}). Set another "
                "port: api_port in settings.toml, or ANALYTICSPRO_API_PORT."
            ) from None
        yield listener


if __name__ == "__main__":
    sys.exit(main())
