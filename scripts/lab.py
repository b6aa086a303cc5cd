"""Start JupyterLab for a workspace: on loopback, in its own notebooks folder, offline."""

from __future__ import annotations

import json
import os
import shutil
import socket
import sys
from pathlib import Path

from analyticspro.config import Home, environment

EXPLORE = Path(__file__).parent.parent / "notebooks" / "explore"


def main() -> None:
    """Copy the starting notebooks that are not there yet, then become JupyterLab."""
    home = Home.find().prepare()
    folder = home.path / "notebooks"
    for notebook in sorted(EXPLORE.glob("*.ipynb")):
        if not (folder / notebook.name).exists():
            shutil.copyfile(notebook, folder / notebook.name)
    arguments = [
        "--ip=127.0.0.1",
        f"--port={_free(environment().get('LAB_PORT', '8888'))}",
        "--ServerApp.port_retries=0",
        f"--ServerApp.root_dir={folder}",
        # Lab would otherwise ask other hosts for updates and extensions, and people for news.
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        "--LabApp.extension_manager=readonly",
        f"--LabApp.app_settings_dir={_settings(home)}",
    ]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        arguments.append("--allow-root")
    variables = dict(environment()) | {"ANALYTICSPRO_HOME": str(home.path)}
    command = [sys.executable, "-m", "jupyterlab", *arguments, *sys.argv[1:]]
    os.execve(sys.executable, command, variables)


def _free(port: str) -> str:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", int(port)))
        except (OSError, ValueError, OverflowError) as error:
            sys.exit(f"JupyterLab cannot use port {port} ({error}). Set another: LAB_PORT=…")
    return port


def _settings(home: Home) -> Path:
    folder = home.path / "run" / "lab"
    folder.mkdir(mode=0o700, exist_ok=True)
    quiet = {"fetchNews": "false", "checkForUpdates": False}
    overrides = {"@jupyterlab/apputils-extension:notification": quiet}
    (folder / "overrides.json").write_text(json.dumps(overrides))
    return folder


if __name__ == "__main__":
    main()
