"""Pages for who is in: the start, one's own account, signing out."""

from __future__ import annotations

from typing import Any

from tornado.web import HTTPError

from analyticspro.errors import AnalyticsProError, DefinitionError
from analyticspro.hub.authenticator import SESSION_COOKIE
from analyticspro.hub.pages import Anybody, Page
from analyticspro.hub.reception import Entered
from analyticspro.policy import Capability, Role, capabilities_of

__all__ = ["Account", "Home", "SignOut"]


class _Own(Page, needs=Capability.OWN_ACCOUNT):
    def forget_browser(self) -> None:
        """Have this browser forget who was signed in."""
        self.log.info("Signed out: %s", self.current_user.name)
        self.clear_login_cookie()
        self.clear_cookie(SESSION_COOKIE, path=self.hub.base_url)
        self._jupyterhub_user = None


class Home(_Own):
    """Where one arrives: what there is to open."""

    async def get(self) -> None:
        """Show it."""
        person = self.entered.person
        capabilities = capabilities_of(Role(person.role))
        has_lab = Capability.SERVERS in capabilities
        # Another kind of spawner has no such thing: it isolates by itself.
        obstacle = getattr(self.current_user.spawner, "obstacle", "") if has_lab else ""
        is_admin = person.role == Role.ADMIN
        pages = ""
        if Capability.DASHBOARD_READ in capabilities:
            pages = f"{self.reception.addresses.pages}/dashboards/overview"
        await self.show(
            "home",
            person=person,
            has_lab=has_lab,
            obstacle=obstacle,
            is_admin=is_admin,
            pages=pages,
        )


class Account(_Own):
    """One's name, role, password and sessions."""

    async def get(self) -> None:
        """Show it."""
        await self._show()

    async def post(self) -> None:
        """Change the password, or end sessions."""
        entered = self.entered
        try:
            done = await self._done(self.typed("do"), entered)
        except AnalyticsProError as error:
            await self._show(error)
            return
        if done:
            await self._show(done=done)
            return
        self.forget_browser()
        self.redirect(self.settings["login_url"])

    async def _done(self, what: str, entered: Entered) -> str:
        """Do it and return how to say so; nothing if this browser is signed out."""
        accounts, person, session = self.reception.accounts, entered.person, entered.session
        if what == "password":
            await self.reception.do(
                accounts.recovery.change,
                person,
                self.typed("old"),
                self.typed("password"),
                origin=self.origin,
                keep=session.id,
            )
            return "Your password is changed. All other devices were signed out."
        entering, by = accounts.entering, self.actor()
        if what == "everywhere":
            await self.reception.do(entering.sign_out_everywhere, person.id, by=by)
            return ""
        if what == "end" and self.typed("session").isdecimal():
            number = int(self.typed("session"))
            await self.reception.do(entering.revoke, person.id, number, by=by)
            return "" if number == session.id else "That device is signed out."
        raise DefinitionError("This cannot be done here. Load the page again.")

    async def _show(self, error: AnalyticsProError | None = None, *, done: str = "") -> None:
        entered = self.entered
        entering = self.reception.accounts.entering
        sessions = await self.reception.read(entering.sessions, entered.person.id)
        values: dict[str, Any] = {"entered": entered, "sessions": sessions, "done": done}
        if error is None:
            await self.show("account", **values)
        else:
            await self.show_error("account", error, **values)


class SignOut(_Own, needs=Anybody):
    """Signing out on this device. By a button: another site could send one to an address."""

    async def get(self) -> None:
        """Show the button to who is in."""
        if not self.current_user:
            self.redirect(self.settings["login_url"])
            return
        await self.show("sign_out")

    async def post(self) -> None:
        """End the session."""
        if not self.current_user:
            raise HTTPError(403)
        token = self.get_cookie(SESSION_COOKIE) or ""
        entering = self.reception.accounts.entering
        await self.reception.do(entering.sign_out, token, origin=self.origin)
        self.forget_browser()
        self.redirect(self.settings["login_url"])
