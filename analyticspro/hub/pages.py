"""What all pages of accounts have in common."""

from __future__ import annotations

from http.client import responses
from typing import Any, ClassVar
from urllib.parse import urlencode, urlsplit

from jupyterhub.handlers.base import BaseHandler
from tornado.web import HTTPError

from analyticspro.accounts import TooManyAttempts
from analyticspro.audit import Actor
from analyticspro.errors import AnalyticsProError, DefinitionError, Forbidden
from analyticspro.hub.authenticator import SESSION_COOKIE, AccountsAuthenticator
from analyticspro.hub.reception import Entered, Reception
from analyticspro.policy import Capability, Role, capabilities_of, decide, permission

__all__ = ["Anybody", "Page", "field_of"]

# How what the accounts say of one input begins.
_FIELDS = {
    "This is no name": "name",
    "This is no e-mail": "email",
    "This address": "email",
    "Sign-up is open to": "email",
    "This password": "password",
}


class Anybody:
    """What a page says that is open to who is not signed in."""


class Page(BaseHandler):  # type: ignore[misc]  # published without types
    """A page in the look of the dashboards: no script, nothing from elsewhere, never stored.

    Each says what it takes to open it, in its class line: a capability, or `Anybody`. One that
    says nothing fails at import, so that none is open by oversight.

    Attributes:
        needs: What it takes.
        entered: Who is signed in, and by which session; not there where `Anybody` may come.
    """

    needs: ClassVar[Capability | type[Anybody]]
    entered: Entered
    authenticator: AccountsAuthenticator

    def __init_subclass__(
        cls, needs: Capability | type[Anybody] | None = None, **more: Any
    ) -> None:
        super().__init_subclass__(**more)
        if needs is not None:
            cls.needs = needs
        elif not hasattr(cls, "needs"):
            raise DefinitionError(
                f"The page {cls.__name__} names no capability. Write what it needs, such as "
                f"class {cls.__name__}(Page, needs=Capability.OWN_ACCOUNT)."
            )

    async def prepare(self) -> None:
        """Let in who has what the page needs; send to the sign-in, or refuse, everybody else."""
        await super().prepare()
        if self._finished or not isinstance(self.needs, Capability):
            return
        if not self.current_user:
            if self.request.method not in ("GET", "HEAD"):
                raise HTTPError(403)
            asked = urlencode({"next": self.request.uri})
            self.redirect(f"{self.settings['login_url']}?{asked}")
            return
        found = await self.reception.entered(self.get_cookie(SESSION_COOKIE) or "")
        if found is None or found.person.username != self.current_user.name:
            raise HTTPError(403)  # it ended since the hub asked, a moment ago
        self.entered = found
        await self._let_in(self.needs)

    async def _let_in(self, wanted: Capability) -> None:
        person = self.entered.person
        held = capabilities_of(Role(person.role))
        scopes = [scope for one in held for scope in permission(one).scopes]
        own = [f"{scope}={person.username}" for scope in scopes if scope.endswith("!user")]
        decision = decide([*scopes, *own], wanted, holder=person.username)
        if decision.allowed:
            return
        asked = f"{self.request.method} {self.request.path}"
        await self.reception.refused(self.actor(), asked, decision.reason)
        title = f"This page is not for {person.role}s"
        text = "An admin can change your role."
        await self.show("notice", status=403, title=title, text=text)

    def may(self, capability: Capability) -> bool:
        """Tell whether who is signed in has a capability."""
        return capability in capabilities_of(Role(self.entered.person.role))

    @property
    def reception(self) -> Reception:
        """The accounts."""
        return self.authenticator.reception

    @property
    def origin(self) -> str:
        """The network address of who asks."""
        return str(self.request.remote_ip)

    def actor(self) -> Actor:
        """Return who is signed in, for the audit log."""
        return Actor(self.current_user.name, self.origin)

    def typed(self, name: str) -> str:
        """Return what was typed into an input of the form that was sent."""
        return str(self.get_body_argument(name, "", strip=False))

    def set_default_headers(self) -> None:
        """Allow the browser what these pages need, which is little."""
        super().set_default_headers()
        # A form may end at a Lab, which has a host name of its own.
        labs = urlsplit(self.subdomain_host)
        beyond = f" {labs.scheme}://*.{labs.netloc}" if labs.netloc else ""
        self.set_header(
            "Content-Security-Policy",
            "default-src 'none'; style-src 'self'; font-src 'self'; img-src 'self' data:; "
            f"form-action 'self'{beyond}; base-uri 'none'; frame-ancestors 'none'",
        )
        self.set_header("Referrer-Policy", "no-referrer")  # addresses of pages hold tokens
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Cache-Control", "no-store")

    async def show(self, page: str, *, status: int = 200, **values: Any) -> None:
        """Send the template `PAGE.html`, of the folder `accounts` unless it names another."""
        template = f"{page if '/' in page else f'accounts/{page}'}.html"
        self.set_status(status)
        typed = {name: self.typed(name).strip() for name in ("name", "email")}
        rules, after = self.reception.accounts.rules, self.after()
        shown = {
            "error": "",
            "wrong": "",
            "typed": typed,
            "rules": rules,
            "provider": self.settings["authenticator"].provider,
            "has_mail": self.reception.accounts.has_mail,
            "after": after,
            "more": f"?{urlencode({'next': after})}" if after else "",
            "me": self.entered.person if hasattr(self, "entered") else None,
            "here": self.request.path.removeprefix(self.hub.base_url.rstrip("/")),
        }
        self.finish(await self.render_template(template, **(shown | values)))

    async def show_error(self, page: str, error: AnalyticsProError, **values: Any) -> None:
        """Send a form once more, with what was wrong with what was typed into it."""
        status = 429 if isinstance(error, TooManyAttempts) else 400
        status = 403 if isinstance(error, Forbidden) else status
        told = {"error": str(error), "wrong": field_of(str(error))}
        await self.show(page, status=status, **(told | values))

    @property
    def is_sure(self) -> bool:
        """Whether the page that asks was answered; see `ask`."""
        return self.typed("sure") == "yes"

    async def ask(self, question: str, consequence: str, *, button: str, back: str) -> None:
        """Ask before something is destroyed; the form that was sent is sent again with the answer.

        Args:
            question: What, and whose.
            consequence: What comes of it.
            button: What the button says that does it.
            back: Where else one may go, below the hub's own address.
        """
        fields = {name: self.typed(name) for name in self.request.body_arguments}
        await self.show(
            "sure",
            question=question,
            consequence=consequence,
            button=button,
            back=f"{self.hub.base_url}{back}",
            action=self.request.path,
            fields={name: fields[name] for name in fields.keys() - {"_xsrf", "sure"}},
        )

    def lead_to(self, path: str) -> None:
        """Lead to another page after a form, so that loading it again sends nothing again."""
        self.redirect(f"{self.hub.base_url}{path}", status=303)

    async def show_notice(self, title: str, text: str, *, status: int = 200) -> None:
        """Send a page that tells one thing, and leads to the sign-in."""
        await self.show("notice", status=status, title=title, text=text)

    def after(self) -> str:
        """Return where to go after the sign-in: an address of ours, or nothing."""
        return str(self._validate_next_url(self.get_argument("next", default="")))

    def lead_on(self) -> None:
        """Lead who has just come in to where they were going.

        The hub's own way would take the rest of this address along, such as a link's token.
        """
        self.redirect(self.after() or f"{self.hub.base_url}home")

    def write_error(self, status_code: int, **named: Any) -> None:
        """Tell in the look of these pages that something went wrong."""
        if not hasattr(self, "_jupyterhub_user"):
            super().write_error(status_code, **named)  # before it was known who asks
            return
        title, text = responses.get(status_code, "Something went wrong"), "Try again."
        error = (named.get("exc_info") or (None, None, None))[1]
        if isinstance(error, AnalyticsProError):
            text = str(error)
        elif isinstance(error, HTTPError) and status_code == 403:
            title, text = "This page is too old", "Load the page again, then send the form."
        elif status_code == 404:
            title, text = "There is nothing here", "What was here is gone, or never was."
        elif status_code >= 500:
            title, text = "Something went wrong here", "The log of the hub has more. Try again."
        told = {"title": title, "text": text, "after": "", "more": ""}
        self.finish(self.render_template("accounts/notice.html", sync=True, **told))


def field_of(told: str) -> str:
    """Return the name of the input that an error is about; empty if it is about none alone.

    >>> field_of("This password is too short. Use 12 characters or more.")
    'password'
    >>> field_of("Too many attempts. Try again in 1 minute.")
    ''
    """
    return next((name for start, name in _FIELDS.items() if told.startswith(start)), "")
