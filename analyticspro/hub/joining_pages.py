"""Pages for who is not in yet: sign in, sign up, take up an invitation, recover."""

from __future__ import annotations

from analyticspro.accounts import Link, NextStep
from analyticspro.errors import AnalyticsProError, Forbidden
from analyticspro.hub.pages import Anybody, Page

__all__ = ["Confirm", "Enter", "Join", "Reset", "SignIn", "SignUp"]

_NEXT = {
    NextStep.SIGN_IN: ("Your account is ready", "Sign in with your e-mail and password."),
    NextStep.CONFIRM: (
        "Look into your mail",
        "We have sent a message to this address. Follow its link, then sign in.",
    ),
    NextStep.WAIT: (
        "Almost there",
        "An admin has to approve your account. You can sign in once that is done.",
    ),
}
_ASKED = "If this address has an account, a link for a new password is on its way to it."


class SignIn(Page, needs=Anybody):
    """E-mail and password."""

    async def get(self) -> None:
        """Show the form; lead on who is in already."""
        if self.current_user:
            self.lead_on()
            return
        await self.show("sign_in")

    async def post(self) -> None:
        """Sign in, and lead to where one was going."""
        try:
            await self.login_user(
                {"email": self.typed("email"), "password": self.typed("password")}
            )
        except AnalyticsProError as error:
            await self.show_error("sign_in", error)
            return
        self.lead_on()


class SignUp(Page, needs=Anybody):
    """A free account."""

    async def get(self) -> None:
        """Show the form."""
        await self.show("sign_up")

    async def post(self) -> None:
        """Make the account, and say what comes next: the same for every address."""
        try:
            step = await self.reception.do(
                self.reception.accounts.joining.sign_up,
                self.typed("name"),
                self.typed("email"),
                self.typed("password"),
                origin=self.origin,
            )
        except AnalyticsProError as error:
            await self.show_error("sign_up", error)
            return
        await self.show_notice(*_NEXT[step])


class Join(Page, needs=Anybody):
    """An invitation, or the first admin's link."""

    async def get(self) -> None:
        """Show the form, unless the link has ended."""
        try:
            link = await self._link()
        except Forbidden as error:
            await self.show_notice("This link does not work", str(error), status=403)
            return
        await self.show("join", link=link)

    async def post(self) -> None:
        """Make the account, and sign in."""
        try:
            link = await self._link()
        except Forbidden as error:
            await self.show_notice("This link does not work", str(error), status=403)
            return
        password = self.typed("password")
        try:
            person = await self.reception.do(
                self.reception.accounts.joining.accept,
                self.get_argument("token", ""),
                self.typed("name"),
                password,
                email=self.typed("email"),
                origin=self.origin,
            )
            await self.login_user({"email": person.email, "password": password})
        except AnalyticsProError as error:
            await self.show_error("join", error, link=link)
            return
        self.lead_on()

    async def _link(self) -> Link:
        token = self.get_argument("token", "")
        return await self.reception.do(self.reception.accounts.joining.see, token)


class Enter(Page, needs=Anybody):
    """A link that signs in as a made-up person of a demo. By a button: programs follow links."""

    async def get(self) -> None:
        """Show the button, unless the link has ended."""
        trying, token = self.reception.accounts.trying, self.get_argument("token", "")
        try:
            await self.show("enter", person=await self.reception.do(trying.see, token))
        except Forbidden as error:
            await self.show_notice("This link does not work", str(error), status=403)

    async def post(self) -> None:
        """Sign in, whoever was in before in this browser."""
        try:
            await self.login_user({"entry": self.get_argument("token", "")})
        except Forbidden as error:
            await self.show_notice("This link does not work", str(error), status=403)
            return
        self.lead_on()


class Reset(Page, needs=Anybody):
    """A new password: without a token one asks for a link, with it one chooses."""

    async def get(self) -> None:
        """Show the form."""
        await self.show("reset" if self.get_argument("token", "") else "ask")

    async def post(self) -> None:
        """Send the link, or set the password."""
        token = self.get_argument("token", "")
        recovery = self.reception.accounts.recovery
        try:
            if not token:
                await self.reception.do(recovery.ask, self.typed("email"), origin=self.origin)
                await self.show_notice("Look into your mail", _ASKED)
                return
            await self.reception.do(
                recovery.reset, token, self.typed("password"), origin=self.origin
            )
        except AnalyticsProError as error:
            await self.show_error("reset" if token else "ask", error)
            return
        done = "All devices were signed out. Sign in with the new password."
        await self.show_notice("Your password is changed", done)


class Confirm(Page, needs=Anybody):
    """Whether mail reaches a person. By a button: programs that look at mails follow links."""

    async def get(self) -> None:
        """Show the button."""
        await self.show("confirm")

    async def post(self) -> None:
        """Note it."""
        try:
            await self.reception.do(
                self.reception.accounts.joining.confirm,
                self.get_argument("token", ""),
                origin=self.origin,
            )
        except AnalyticsProError as error:
            await self.show_notice("This link does not work", str(error), status=403)
            return
        await self.show_notice(*_NEXT[NextStep.SIGN_IN])
