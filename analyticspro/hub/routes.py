"""Which pages there are, below the hub's own address."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tornado.web import StaticFileHandler

from analyticspro.hub.governing import GOVERNING
from analyticspro.hub.invitation_pages import Invitations
from analyticspro.hub.joining_pages import Confirm, Enter, Join, Reset, SignIn, SignUp
from analyticspro.hub.key_pages import AllKeys, OwnKeys, Tokens
from analyticspro.hub.mail_page import MailPage
from analyticspro.hub.own_pages import Account, Home, SignOut
from analyticspro.hub.people_pages import OnePerson, People, Roles
from analyticspro.hub.readiness import Ready
from analyticspro.hub.settings_page import SettingsPage
from analyticspro.hub.write_key_page import WriteKeyPage

__all__ = ["LOOK", "ROUTES"]

_HERE = Path(__file__).parent
_FONTS = _HERE.parent / "dashboards" / "assets" / "fonts"

ROUTES: tuple[tuple[str, Any], ...] = (
    (r"/login", SignIn),
    (r"/logout", SignOut),
    (r"/signup", SignUp),
    (r"/join", Join),
    (r"/enter", Enter),
    (r"/reset", Reset),
    (r"/confirm", Confirm),
    (r"/home", Home),
    (r"/account", Account),
    (r"/people", People),
    (r"/people/(\d+)", OnePerson),
    (r"/people/invitations", Invitations),
    (r"/people/roles", Roles),
    (r"/settings", SettingsPage),
    (r"/mail", MailPage),
    (r"/keys", OwnKeys),
    (r"/token", Tokens),  # the hub's own page of tokens: ours is the one
    (r"/keys/everybody", AllKeys),
    (r"/keys/writing", WriteKeyPage),
    *GOVERNING,
)
LOOK: tuple[tuple[str, Any, dict[str, Any]], ...] = (
    (r"/readyz", Ready, {}),
    (r"/look/fonts/([\w-]+\.woff2)", StaticFileHandler, {"path": str(_FONTS)}),
    (r"/look/([\w-]+\.css)", StaticFileHandler, {"path": str(_HERE / "assets")}),
)
