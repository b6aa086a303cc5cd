"""Pages for who manages people: who there is, one of them, and what each role may do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from tornado.web import HTTPError

from analyticspro.accounts import Person, Presence, Standing
from analyticspro.errors import AnalyticsProError, DefinitionError
from analyticspro.hub.pages import Page
from analyticspro.policy import PERMISSIONS, Capability, Role

__all__ = ["OnePerson", "People", "Roles"]

_MOST_SHOWN = 200
# What was done, by what the address says after it.
_DONE = {
    "role": "The role is changed.",
    "approve": "The account is approved.",
    "suspend": "The account is suspended.",
    "reactivate": "The account is active again.",
    "signout": "All devices are signed out.",
    "remove": "The account is removed.",
}


@dataclass(frozen=True)
class _Asked:
    question: str
    consequence: str
    button: str


class People(Page, needs=Capability.USERS_WRITE):
    """Everybody, to be searched."""

    async def get(self) -> None:
        """Show them."""
        sought = {name: self.get_query_argument(name, "") for name in ("q", "role", "state")}
        everybody = await self.reception.read(self.reception.accounts.directory.all)
        found = _found(everybody, **sought)
        await self.show(
            "people/list",
            sought=sought,
            people=found[:_MOST_SHOWN],
            more=max(len(found) - _MOST_SHOWN, 0),
            total=len(everybody),
            waiting=sum(one.standing is Standing.WAITING for one in everybody),
            present=await self._present(),
            roles=list(Role),
            standings=list(Standing),
            done=_DONE.get(self.get_query_argument("done", ""), ""),
        )

    async def _present(self) -> dict[int, Presence]:
        return await self.reception.do(self.reception.accounts.directory.present)


def _found(everybody: Sequence[Person], *, q: str, role: str, state: str) -> list[Person]:
    words = q.casefold().split()
    found = [
        one
        for one in everybody
        if (not role or one.role == role)
        and (not state or one.standing == state)
        and all(word in f"{one.name} {one.email}".casefold() for word in words)
    ]
    # Those first who wait for somebody to let them in.
    return sorted(found, key=lambda one: (one.standing is not Standing.WAITING, one.email))


class OnePerson(Page, needs=Capability.USERS_WRITE):
    """One person: role, state, devices, and what can be done."""

    async def get(self, number: str) -> None:
        """Show the person."""
        person = await self._person(number)
        await self._show(person, done=_DONE.get(self.get_query_argument("done", ""), ""))

    async def post(self, number: str) -> None:
        """Do what was asked for; what destroys only if it is confirmed."""
        person, what = await self._person(number), self.typed("do")
        asked = self._asked(what, person)
        if asked is not None and not self.is_sure:
            back = f"people/{person.id}"
            await self.ask(asked.question, asked.consequence, button=asked.button, back=back)
            return
        try:
            if what == "reset":
                recovery = self.reception.accounts.recovery
                link = await self.reception.do(recovery.link, person.id, by=self.actor())
                await self._show(person, link=link)
                return
            await self._do(what, person)
        except AnalyticsProError as error:
            await self._show(person, error)
            return
        page = "people" if what == "remove" else f"people/{person.id}"
        is_own = person.id == self.entered.person.id
        self.lead_to("home" if is_own else f"{page}?done={what}")

    async def _do(self, what: str, person: Person) -> None:
        accounts, by = self.reception.accounts, self.actor()
        directory = accounts.directory
        if what == "role":
            role = Role.of(self.typed("role"))
            await self.reception.do(directory.set_role, person.id, role, by=by)
            return
        methods: dict[str, Callable[..., object]] = {
            "approve": directory.approve,
            "suspend": directory.suspend,
            "reactivate": directory.reactivate,
            "signout": accounts.entering.sign_out_everywhere,
            "remove": directory.remove,
        }
        if what not in methods:
            raise DefinitionError("This cannot be done here. Load the page again.")
        await self.reception.do(methods[what], person.id, by=by)

    def _asked(self, what: str, person: Person) -> _Asked | None:
        """Return what is asked before; None if nothing is."""
        who = f"{person.name} ({person.email})"
        if what == "remove":
            return _Asked(
                f"Remove {who}?",
                "The account, its password, devices and API keys end at once, and a running "
                "JupyterLab too. It cannot be had back. The audit log keeps what it did.",
                "Remove the account",
            )
        if what == "suspend":
            return _Asked(
                f"Suspend {who}?",
                "All devices are signed out, API keys stop, a running JupyterLab ends, and nobody "
                "signs in with it until it is active again. Nothing is deleted.",
                "Suspend the account",
            )
        if what == "signout":
            return _Asked(
                f"Sign out {who} everywhere?",
                "All devices are signed out, and whatever was opened on them. API keys go on.",
                "Sign out everywhere",
            )
        is_own = person.id == self.entered.person.id
        if what == "role" and is_own and self.typed("role") != person.role:
            return _Asked(
                "Give up your own role?",
                f"You would be a {self.typed('role')}, and could not change it back yourself.",
                "Change my role",
            )
        return None

    async def _person(self, number: str) -> Person:
        directory = self.reception.accounts.directory
        found = await self.reception.read(directory.get, int(number)) if len(number) < 10 else None
        if found is None:
            raise HTTPError(404)
        return found

    async def _show(
        self, person: Person, error: AnalyticsProError | None = None, **more: object
    ) -> None:
        accounts = self.reception.accounts
        values: dict[str, Any] = {
            "person": person,
            "sessions": await self.reception.read(accounts.entering.sessions, person.id),
            "roles": list(Role),
            "is_own": person.id == self.entered.person.id,
            **more,
        }
        if error is None:
            await self.show("people/one", **values)
        else:
            await self.show_error("people/one", error, **values)


class Roles(Page, needs=Capability.USERS_WRITE):
    """What each role may do, and how many have it."""

    async def get(self) -> None:
        """Show the permission table."""
        everybody = await self.reception.read(self.reception.accounts.directory.all)
        held = Counter(one.role for one in everybody)
        counts = {role: held[role] for role in Role}
        await self.show("people/roles", rows=PERMISSIONS, roles=list(Role), counts=counts)
