"""The files of a drawn page, ready to be sent: style, scripts, fonts."""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

__all__ = ["PageFile", "page_files", "version"]

_HERE = Path(__file__).parent / "assets"
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".woff2": "font/woff2",
}
_FILES = {
    "document.css": ("document.css", "shell.css", "page.css"),
    "declared.js": ("declared.js",),
    "page.js": ("page.js",),
    "Inter-Regular.woff2": ("fonts/Inter-Regular.woff2",),
    "Inter-SemiBold.woff2": ("fonts/Inter-SemiBold.woff2",),
}


@dataclass(frozen=True)
class PageFile:
    """One file: its type, and its content in gzip unless that would not make it smaller."""

    type: str
    content: bytes
    is_zipped: bool


@cache
def page_files() -> dict[str, PageFile]:
    """Return the files by name."""
    return {name: _file(name) for name in _FILES}


@cache
def version() -> str:
    """Return what is in their address, so that a browser can keep them for good."""
    joined = b"".join(_read(name) for name in _FILES)
    return hashlib.sha256(joined).hexdigest()[:12]


def _read(name: str) -> bytes:
    return b"\n".join((_HERE / part).read_bytes() for part in _FILES[name])


def _file(name: str) -> PageFile:
    plain, kind = _read(name), _TYPES[Path(name).suffix]
    if name.endswith(".woff2"):
        return PageFile(kind, plain, is_zipped=False)
    return PageFile(kind, gzip.compress(plain, 9, mtime=0), is_zipped=True)
