"""The page of mail: which server sends it, a mail to try it, and what became of mails."""

from __future__ import annotations

from typing import Any

from analyticspro import clock
from analyticspro.config import Home, environment
from analyticspro.errors import AnalyticsProError, DefinitionError
from analyticspro.hub.mail_setup import MailSetup, forget, try_out
from analyticspro.hub.pages import Page
from analyticspro.outbox import Security
from analyticspro.policy import Capability
from analyticspro.secrets_store import Secrets
from analyticspro.state import MailState

__all__ = ["MailPage"]

_MOST_SHOWN = 100
_ATTEMPTS = 14
_SECURITIES = {
    Security.STARTTLS: "STARTTLS (usually port 587)",
    Security.TLS: "TLS from the start (usually port 465)",
    Security.NONE: "None (on this machine only)",
}
_DONE = {
    "set": "Mail is set up. Send a mail to try it.",
    "off": "No mail is sent any more.",
    "resent": "The mail waits to be sent again.",
}


class MailPage(Page, needs=Capability.SETTINGS_WRITE):
    """How mail is sent, and what became of it."""

    async def get(self) -> None:
        """Show it."""
        await self._show(done=_DONE.get(self.get_query_argument("done", ""), ""))

    async def post(self) -> None:
        """Set mail up, turn it off, try it, or send a dead mail again."""
        what = self.typed("do")
        if what == "off" and not self.is_sure:
            await self.ask(
                "Send no mail any more?",
                "Invitations and links for new passwords have to be handed over by hand, and no "
                "alert or report goes out by mail. The password of the mail account is forgotten.",
                button="Send no mail",
                back="mail",
            )
            return
        try:
            if what == "test":
                await self._try(self.typed("to"))
                return
            done = await self._done(what)
        except AnalyticsProError as error:
            await self._show(error)
            return
        self.lead_to(f"mail?done={done}")

    async def _done(self, what: str) -> str:
        reception, home = self.reception, self._home()
        if what == "set":
            setup = self._typed_setup()
            await reception.do(setup.save, home, self.typed("password"))
            reception.follow_settings()
            told = f"{setup.security} {setup.host}:{setup.port} as {setup.user or 'nobody'}"
            await reception.note(self.actor(), "mail.set", "mail server", told)
            return "set"
        if what == "off":
            await reception.read(forget, home)
            reception.follow_settings()
            await reception.note(self.actor(), "mail.off", "mail server")
            return "off"
        number = self.typed("mail")
        if what == "resend" and number.isdecimal() and len(number) < 10:
            resend = reception.state.mails.resend
            await reception.read(lambda: resend(int(number), attempts=_ATTEMPTS, now=clock.now()))
            await reception.note(self.actor(), "mail.resend", f"mail {number}")
            return "resent"
        raise DefinitionError("This cannot be done here. Load the page again.")

    async def _try(self, recipient: str) -> None:
        mail = await self.reception.read(
            try_out, self._home(), self.reception.state, recipient.strip()
        )
        await self.reception.note(self.actor(), "mail.test", f"mail {mail.id}", str(mail.state))
        await self._show(tried=mail)

    def _home(self) -> Home:
        return Home(self.reception.home.path)  # its settings are read once

    def _typed_setup(self) -> MailSetup:
        names = ("security", "host", "port", "user", "sender")
        return MailSetup(**{name: self.typed(name).strip() for name in names})

    async def _show(self, error: AnalyticsProError | None = None, **more: object) -> None:
        home, state = self._home(), self.reception.state
        is_typed = error is not None and self.typed("do") == "set"
        kept = await self.reception.read(Secrets.open(home).names)
        values: dict[str, Any] = {
            "setup": self._typed_setup() if is_typed else MailSetup.of(home),
            "is_on": bool(home.settings.mail_url),
            "from_outside": [n for n in ("MAIL_URL", "MAIL_FROM") if _is_given(n)],
            "has_password": any(one.name == "mail.password" for one in kept),
            "securities": _SECURITIES,
            "to": self.typed("to") or self.entered.person.email,
            "mails": await self.reception.read(
                lambda: state.mails.all(tuple(MailState), limit=_MOST_SHOWN)
            ),
            "counts": await self.reception.read(state.mails.counts),
            **more,
        }
        if error is None:
            await self.show("settings/mail", **values)
        else:
            await self.show_error("settings/mail", error, **values)


def _is_given(name: str) -> bool:
    return f"ANALYTICSPRO_{name}" in environment()
