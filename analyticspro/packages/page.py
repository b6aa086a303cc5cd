"""What a project's page of an index says (PEP 503), and the same as programs like it (PEP 691)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

__all__ = ["JSON", "File", "files_of", "page_of"]

JSON = "application/vnd.pypi.simple.v1+json"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+!-]{0,250}\.(?:whl|tar\.gz|zip)")
_HASH = re.compile(r"(md5|sha1|sha224|sha256|sha384|sha512)=([0-9a-f]+)")


@dataclass(frozen=True)
class File:
    """A file of a project.

    Attributes:
        name: Of the file, such as `polars-1.35.0-py3-none-any.whl`.
        url: Where the index says it is; whether it is fetched there is another question.
        hashes: By the name of the algorithm.
        requires_python: Which Python it is for; None if that is not said.
        yanked: Why nobody should install it, which may be empty; None if it was not withdrawn.
    """

    name: str
    url: str
    hashes: dict[str, str]
    requires_python: str | None = None
    yanked: str | None = None


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[dict[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.found.append(dict(attrs))


def files_of(text: str, url: str) -> list[File]:
    """Return the files that the page at `url` links to, in its order; other links are left out."""
    links = _Links()
    links.feed(text)
    found: dict[str, File] = {}
    for link in links.found:
        try:
            address, _, fragment = urljoin(url, link.get("href") or "").partition("#")
            name = unquote(urlsplit(address).path.rpartition("/")[2])
        except ValueError:
            continue
        if _NAME.fullmatch(name) and name not in found:
            told = _HASH.fullmatch(fragment)
            hashes = {told[1]: told[2]} if told else {}
            yanked = (link["data-yanked"] or "") if "data-yanked" in link else None
            found[name] = File(name, address, hashes, link.get("data-requires-python"), yanked)
    return list(found.values())


def page_of(project: str, files: Sequence[tuple[File, str]]) -> dict[str, Any]:
    """Return the page of a project, each of its files with the address to ask for it."""
    listed = [
        {
            "filename": file.name,
            "url": url,
            "hashes": file.hashes,
            "requires-python": file.requires_python,
            "yanked": False if file.yanked is None else file.yanked or True,
        }
        for file, url in files
    ]
    return {"meta": {"api-version": "1.0"}, "name": project, "files": listed}
