"""What a Lab that is not shut in shows on its own page, all the while."""

from __future__ import annotations

import shutil
from pathlib import Path

__all__ = ["marked"]

_STYLE = Path(__file__).parent / "assets" / "not_shut_in.css"


def marked(workspace: Path, folder: Path) -> dict[str, str]:
    """Return the variables of a Lab that shows it, where the server is told to load styles.

    Styles are loaded from the folder of its configuration alone, so that is ours; what the person
    has configured, settings and workspaces stay in the person's own.

    Args:
        workspace: Its folder, where the styles are put.
        folder: The person's.
    """
    ours, own = workspace / "run" / "not-shut-in", folder / ".jupyter"
    (ours / "custom").mkdir(parents=True, exist_ok=True)
    shutil.copyfile(_STYLE, ours / "custom" / "custom.css")
    return {
        "JUPYTER_CONFIG_DIR": str(ours),
        "JUPYTER_CONFIG_PATH": str(own),
        "JUPYTERLAB_SETTINGS_DIR": str(own / "lab" / "user-settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(own / "lab" / "workspaces"),
    }
