"""Browsers that nobody has signed in with yet, and what is done with them at the hub."""

from __future__ import annotations

import httpx

from analyticspro.accounts import Person
from analyticspro.audit import Actor
from tests.hub.members import GOOD
from tests.hub.serving import Visitor

__all__ = ["GOOD", "OTHER", "ROOT", "is_in", "sign_in"]

OTHER = "velvet orbit pelican 17"
ROOT = Actor("machine", "command line")


def sign_in(
    visitor: Visitor, person: Person, password: str = GOOD, after: str = ""
) -> httpx.Response:
    path = "/hub/login" + (f"?next={after}" if after else "")
    return visitor.send_form(path, email=person.email, password=password)


def is_in(visitor: Visitor) -> bool:
    """Tell whether a page lets somebody in."""
    return visitor.get("/hub/keys", follow_redirects=False).status_code == 200
