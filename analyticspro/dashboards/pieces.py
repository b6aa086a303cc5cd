"""A page in pieces, so that a page that is open gets those alone that are others by now."""

from __future__ import annotations

import gzip
import json
import re
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import blake2s
from typing import Any

__all__ = ["Marks", "Pieces", "cut"]

# Written by parts.html; nothing that comes from data can hold a comment, it is escaped.
_PIECE = re.compile(r"<!--piece ([\d-]+)-->(.*?)<!--/piece-->", re.DOTALL)
_MOST_STEPS = 8
_TOLD = ("state", "period", "where", "address", "said", "marks")

# Of each piece, and of what is around the pieces of the body.
Marks = Mapping[str, str]


def cut(body: str) -> tuple[str, dict[str, str]]:
    """Return a page's body without the comments that mark its pieces, and the pieces by name.

    >>> cut('<p><!--piece 0-0--><b>1</b><!--/piece--></p>')
    ('<p><b>1</b></p>', {'0-0': '<b>1</b>'})
    """
    return _PIECE.sub(r"\2", body), dict(_PIECE.findall(body))


@dataclass(frozen=True)
class Pieces:
    """A page as it is told to browsers that have it open.

    Attributes:
        mark: Of the whole page.
        message: As `Drawn.message` has it, with the whole body.
        pieces: Of the body.
        frame: The body without its pieces.
    """

    mark: str
    message: Mapping[str, Any]
    pieces: Mapping[str, str]
    frame: str
    _steps: OrderedDict[str, bytes] = field(default_factory=OrderedDict, compare=False)

    @classmethod
    def of(cls, mark: str, message: Mapping[str, Any], marked_body: str) -> Pieces:
        """Return the pieces of a page whose body is still marked."""
        return cls(mark, message, cut(marked_body)[1], _PIECE.sub("", marked_body))

    @cached_property
    def marks(self) -> dict[str, str]:
        """What a browser that shows this page has."""
        parts = self.message["parts"]
        texts = {**{name: parts[name] for name in parts if name != "body"}, **self.pieces}
        texts["frame"] = self.frame
        return {name: _mark(text) for name, text in texts.items()}

    def since(self, mark: str, before: Marks) -> bytes:
        """Return what leads from one page to this one, JSON in gzip; made once for all.

        Args:
            mark: Of the page that is shown; "" if it is not known.
            before: Its pieces; none of what is not known.
        """
        if mark not in self._steps:
            told = json.dumps(self._step(mark, before)).encode()
            self._steps[mark] = gzip.compress(told, 4, mtime=0)
            while len(self._steps) > _MOST_STEPS:
                self._steps.popitem(last=False)
        return self._steps[mark]

    def _step(self, mark: str, before: Marks) -> dict[str, Any]:
        now = self.marks
        new = {name for name in now if before.get(name) != now[name]}
        if "frame" in new:
            new = {name for name in new if name not in self.pieces} | {"body"}
        parts = self.message["parts"]
        return {
            **{name: self.message[name] for name in _TOLD},
            "since": mark,
            "mark": self.mark,
            "parts": {name: parts[name] for name in parts if name in new},
            "pieces": {name: self.pieces[name] for name in self.pieces if name in new},
        }


def _mark(text: str) -> str:
    return blake2s(text.encode(), digest_size=8).hexdigest()
