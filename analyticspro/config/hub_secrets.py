"""What the hub, its proxy and the services know of each other, in files of the home."""

from __future__ import annotations

from pathlib import Path

from analyticspro.config.home import Home

__all__ = ["hub_folder", "secret"]


def hub_folder(home: Home) -> Path:
    """Return where the hub keeps what is its own, made if it is missing."""
    folder = home.path.resolve() / "hub"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def secret(home: Home, name: str) -> str:
    """Return the secret that the hub shares with one process, made at first use."""
    file = hub_folder(home) / f"{name}-token"
    if not file.exists():
        home.make_secret(file)
    if file.stat().st_mode & 0o077:
        file.chmod(0o600)
    return file.read_text().strip()
