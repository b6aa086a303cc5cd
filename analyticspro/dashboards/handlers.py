"""The addresses of the page server."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any, cast

from jupyter_server.auth.decorator import allow_unauthenticated
from jupyter_server.base.handlers import JupyterHandler
from markupsafe import Markup
from tornado import web

from analyticspro.dashboards.identity import CookieIdentity, redeem, token_of
from analyticspro.errors import Forbidden, ServiceUnavailable

if TYPE_CHECKING:
    from analyticspro.dashboards.server import DashboardServer

__all__ = [
    "ComeBack",
    "Health",
    "NoPermission",
    "NobodyToAsk",
    "NotFound",
    "Refused",
    "SignIn",
    "SignOut",
    "Start",
]

HOME_PAGE = "/dashboards/overview"
AGAIN = ("/", "Try again")


class Page(JupyterHandler):
    """An address that answers with a page of our own look, errors included.

    Attributes:
        shell: The bar above it, HTML; empty until it is known who looks.
    """

    shell = ""

    @property
    def server(self) -> DashboardServer:
        """The server that this request came to."""
        return cast("DashboardServer", self.settings["dashboards"])

    @property
    def identity(self) -> CookieIdentity:
        """Who knows who looks."""
        return cast("CookieIdentity", self.settings["identity_provider"])

    @property
    def token(self) -> str:
        """What figures are asked for with, for who looks; empty for nobody."""
        return token_of(self.server.home, self.identity, self.request) or ""

    @property
    def content_security_policy(self) -> str:
        """Everything from this host alone; our scripts by their nonce, widgets from blobs."""
        return "; ".join(
            (
                "default-src 'self'",
                f"script-src 'self' 'nonce-{self.nonce}' blob:",
                "style-src 'self' 'unsafe-inline'",
                "img-src 'self' data: blob:",
                "font-src 'self' data:",
                "object-src 'none'",
                "base-uri 'none'",
                self.form_policy,
                "frame-ancestors 'none'",
            )
        )

    @property
    def form_policy(self) -> str:
        """Where forms may lead: here, and to the hub, where one signs out."""
        hub = self.identity.hub
        there = f" {hub.public}" if hub.is_at_the_gate(self.request) else ""
        return f"form-action 'self'{there}"

    @property
    def nonce(self) -> str:
        """A word that marks the scripts of this one answer as ours."""
        if not hasattr(self, "_nonce"):
            self._nonce = secrets.token_urlsafe(16)
        return self._nonce

    def set_default_headers(self) -> None:
        """Set what every page is sent with."""
        super().set_default_headers()
        self.set_header("Cache-Control", "no-store")

    def say(self, status: int, title: str, text: str, **more: Any) -> None:
        """Answer with a short page: what is the matter and what to do."""
        self.set_status(status)
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.finish(
            self.server.pages.get_template("message.html.j2").render(
                title=title, text=text, nonce=self.nonce, shell=Markup(self.shell), **more
            )
        )

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Answer an error that nothing else caught."""
        if status_code == 404:
            self.say(404, "There is no such page", "", link=("/", "To the overview"))
        else:
            self.say(
                status_code,
                "Something went wrong",
                "The reason is in the log of the service 'dashboards'.",
                link=("/", "To the overview"),
            )


class Health(web.RequestHandler):
    """Open to all: the server runs."""

    def get(self) -> None:
        """Answer that the server takes requests."""
        self.set_header("Cache-Control", "no-store")
        self.finish({"status": "ok", "service": "dashboards"})


class Start(Page):
    """The bare address."""

    def get(self) -> None:
        """Lead to the overview."""
        self.redirect(HOME_PAGE)


class SignIn(Page):
    """Where a one-time link leads."""

    @allow_unauthenticated
    async def get(self) -> None:
        """Redeem the code, remember the browser, lead to the start; never to elsewhere.

        A link that is opened twice in one browser just works: the first time signed it in.
        """
        self.set_header("Referrer-Policy", "no-referrer")
        code = self.get_query_argument("code", "")
        if not code:
            self.say(401, *_HOW_TO_SIGN_IN, command=self.server.link_command)
            return
        try:
            name = await redeem(self.server.home, code)
        except Forbidden as error:
            if self.current_user is not None:
                self.redirect("/")
                return
            self.say(
                403,
                "This link no longer works",
                f"{error} A link works once, for a short time. Get a new one:",
                command=self.server.link_command,
            )
        except ServiceUnavailable as error:
            self.log.warning("Sign-in: %s", error)
            self.say(
                503,
                "Signing in is not possible now",
                "The api does not answer. Wait a moment and open the link again; "
                "if that does not help, see how the services are:",
                command=self.server.status_command,
            )
        else:
            self.identity.sign_in(self, name)
            self.redirect("/")


_HOW_TO_SIGN_IN = (
    "Please sign in",
    "These pages open with a one-time link. On the computer that runs AnalyticsPro, type:",
)


class ComeBack(Page):
    """Where the hub leads a browser back to."""

    @allow_unauthenticated
    async def get(self) -> None:
        """Remember the browser, lead to where it wanted to go; never to elsewhere."""
        self.set_header("Referrer-Policy", "no-referrer")
        try:
            self.redirect(await self.identity.hub.finish(self))
        except (Forbidden, ServiceUnavailable) as error:
            self.log.warning("Sign-in: %s", error)
            self.say(403, "Signing in did not work", f"{error} Try again.", link=AGAIN)


class SignOut(Page):
    """Forget this browser."""

    def check_xsrf_cookie(self) -> None:
        """Take a plain form of our own pages for proof enough: the browser names its origin."""
        if not self.check_origin() or "Origin" not in self.request.headers:
            raise web.HTTPError(403)

    async def post(self) -> None:
        """Forget this browser and say so; or, come from the hub, go there to sign out."""
        identity, request = self.identity, self.request
        token = identity.hub.token_in(request)
        is_owner = identity.name_in(request) is not None
        identity.clear_login_cookie(self)
        if token is not None and not is_owner:
            identity.hub.forget(self)
            await self.server.end_kernels(of=token)
            self.redirect(f"{identity.hub.public}/hub/logout", status=303)
            return
        self.say(200, "You are signed out", "To come back, type:", command=self.server.link_command)


class Refused(Page):
    """What anybody gets who is not signed in, whatever the address."""

    async def prepare(self) -> None:  # type: ignore[override]
        """Refuse before anything else is looked at."""
        self.current_user = self._jupyter_current_user = None
        request = self.request
        asks_for_data = request.path.startswith(("/api/", "/voila/", "/assets/"))
        if request.headers.get("Upgrade", "").casefold() == "websocket":
            self.set_status(403)
            self.finish()
        elif asks_for_data or request.method not in ("GET", "HEAD"):
            self.set_status(401)
            self.finish({"error": Forbidden("Sign in first: open a link.").payload()})
        elif self.identity.hub.is_at_the_gate(request):
            self.identity.hub.begin(self)
        else:
            self.say(401, *_HOW_TO_SIGN_IN, command=self.server.link_command)


class NoPermission(Page):
    """What somebody gets for whose role the dashboards are not."""

    async def prepare(self) -> None:  # type: ignore[override]
        """Refuse, and say who could change that."""
        self.current_user = self._jupyter_current_user = None
        self.say(
            403,
            "Dashboards are not for your role",
            "An admin of this workspace can give you another one, on the page of people.",
            link=(f"{self.identity.hub.public}/hub/home", "To what you can open"),
        )


class NobodyToAsk(Page):
    """What somebody gets while only the hub could say who they are, and it does not answer."""

    async def prepare(self) -> None:  # type: ignore[override]
        """Ask to come again."""
        self.current_user = self._jupyter_current_user = None
        self.set_header("Retry-After", "5")
        self.say(
            503,
            "Signing in is not possible for the moment",
            "What knows who you are is being started again. Load the page again in a moment.",
            link=(self.request.path, "Load again"),
        )


class NotFound(Page):
    """Any other address."""

    async def prepare(self) -> None:  # type: ignore[override]
        """Say that there is nothing here."""
        self.current_user = self._jupyter_current_user = None
        self.write_error(404)
