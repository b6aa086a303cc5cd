"""A person's own Lab, in a sandbox."""

from __future__ import annotations

import json
import os
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from subprocess import Popen
from typing import Any

import psutil
from jupyterhub.spawner import LocalProcessSpawner
from tornado.web import HTTPError
from traitlets import Integer, Unicode, default

from analyticspro.hub.marking import marked
from analyticspro.hub.own_packages import packages_of
from analyticspro.isolation import CUT, Sandbox, person
from analyticspro.policy import Capability, Role, capabilities_of, lab_scopes, role_of

__all__ = ["SandboxSpawner"]

_LAB = (
    # Lab would otherwise ask other hosts for updates and extensions, and people for news.
    "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    "--LabApp.extension_manager=readonly",
    # It asks the hub so often who somebody is: a session that has ended ends there too.
    "--HubAuth.cache_max_age=4",
)


class SandboxSpawner(LocalProcessSpawner):  # type: ignore[misc]  # published without types
    """Starts a person's server so that its code reaches that person's folder and two services.

    The sandbox has the addresses that the hub tells a server: ports lead out and in under the
    numbers that they have outside. Where isolation does not hold, admins alone get a server,
    without a sandbox: they own all that it could reach.
    """

    workspace = Unicode(help="The home, whose folder `people` has everybody's own.").tag(
        config=True
    )
    obstacle = Unicode(help="Why code cannot be shut in here; empty if it can.").tag(config=True)
    hub_api_port = Integer(help="Port of the hub on this machine.").tag(config=True)
    api_port = Integer(help="Port of the api on this machine.").tag(config=True)
    api_host = Unicode("127.0.0.1", help="Where the api is reached.").tag(config=True)

    @default("cmd")
    def _default_cmd(self) -> list[str]:
        # -E: what a person installed is for kernels, and cannot break the server's start.
        return [sys.executable, "-E", "-m", "jupyterhub.singleuser", *_LAB]

    @default("env_keep")
    def _default_env_keep(self) -> list[str]:
        return ["LANG", "LC_ALL"]

    @default("ip")
    def _default_ip(self) -> str:
        return "127.0.0.1"

    def user_env(self, env: dict[str, str]) -> dict[str, str]:
        """Return the environment of a server; there is no account to ask for more."""
        programs = Path(sys.executable).parent
        # In a sandbox each port that leads out is one of its own loopback.
        host = self.api_host if self.obstacle else "127.0.0.1"
        shown = f"[{host}]" if ":" in host else host
        own = {
            "PATH": f"{programs}:/usr/local/bin:/usr/bin:/bin",
            "USER": self.user.name,
            "ANALYTICSPRO_LAB_API": f"http://{shown}:{self.api_port}",
        }
        return {**env, **own}

    @default("server_token_scopes")
    def _default_server_token_scopes(self) -> Callable[[SandboxSpawner], list[str]]:
        return _scopes_of_token

    def run_pre_spawn_hook(self) -> Any:
        """Refuse whoever may have no server, whatever asked for it.

        Raises:
            HTTPError: 403, saying why.
        """
        self._check_allowed()
        return super().run_pre_spawn_hook()

    def _check_allowed(self) -> None:
        role = self._role()
        if role is None or Capability.SERVERS not in capabilities_of(role):
            told = f"your role is {role}" if role else "you have no role yet"
            raise _refused(f"A JupyterLab of your own is for other roles; {told}.")
        if self.obstacle and role is not Role.ADMIN:
            self.log.error("No Lab for %s: %s", self.user.name, self.obstacle)
            raise _refused(
                "JupyterLab is for admins only on this machine, since code cannot be shut in. "
                "An admin finds the reason and the cure by 'analyticspro doctor'."
            )

    def _role(self) -> Role | None:
        return role_of([group.name for group in self.user.groups])

    async def start(self) -> tuple[str, int]:
        """Start the server; return where the hub reaches it."""
        self._check_allowed()
        self.port: int = self.port or _free_port()
        command = [*self.cmd, *self.get_args()]
        env = self.get_env()
        if self.obstacle:
            folder = person(Path(self.workspace), self.user.name).folder
            env |= {"HOME": str(folder), **marked(Path(self.workspace), folder)}
            # Said, or a server that is started by root refuses to run.
            bare = [*command, "--allow-root", "--LabApp.custom_css=True"]
            self.proc = Popen(bare, env=env, cwd=folder, start_new_session=True)
        else:
            sandbox = self._sandbox()
            env |= packages_of(sandbox.home, self.api_port, env["JUPYTERHUB_API_TOKEN"])
            shut_in = sandbox.command(command)
            self.proc = Popen(shut_in, env=env, cwd="/", start_new_session=True)
        self.pid = self.proc.pid
        return "127.0.0.1", self.port

    def cut(self) -> bool:
        """Break all connections to the server, kernels' too; tell whether that could be done.

        Whoever may be there still, comes again: what runs in kernels goes on. Without a
        sandbox nobody is between the server and its visitors.
        """
        if self.obstacle:
            return False
        with suppress(ProcessLookupError):
            os.kill(self.pid, CUT)
        return True

    def _sandbox(self) -> Sandbox:
        own = person(Path(self.workspace), self.user.name)
        return Sandbox(
            person=self.user.name,
            folder=own.folder,
            uid=own.uid,
            reaches={
                self.hub_api_port: ("127.0.0.1", self.hub_api_port),
                self.api_port: (self.api_host, self.api_port),
            },
            serves=self.port,
            hides=[Path(self.workspace)],
        )

    def load_state(self, state: dict[str, Any]) -> None:
        """Know a server again after the hub was restarted.

        Its number may be another process by now, which must not be ended for it.
        """
        super().load_state(state)
        if self.pid and not _is_server(self.pid, self.user.name):
            self.pid = 0


def _scopes_of_token(spawner: SandboxSpawner) -> list[str]:
    role = spawner._role()
    return lab_scopes(role) if role else []


def _is_server(pid: int, name: str) -> bool:
    try:
        words = psutil.Process(pid).cmdline()
    except psutil.Error:
        return False
    if "jupyterhub.singleuser" not in words:
        return False
    told = [word for word in words if word.startswith('{"person"')]
    return not told or json.loads(told[0])["person"] == name


def _refused(why: str) -> HTTPError:
    error = HTTPError(403, why, reason="Forbidden")
    error.jupyterhub_message = why  # type: ignore[attr-defined]  # shown on the page
    return error


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
