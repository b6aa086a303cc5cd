"""Pages about who may see what: the grants, what a change would do, and what was changed."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from analyticspro import clock
from analyticspro.accounts import Person
from analyticspro.dashboards.formats import Unit
from analyticspro.errors import AnalyticsProError, DefinitionError, ServiceUnavailable, UnknownName
from analyticspro.hub.asking_api import ask_api
from analyticspro.hub.grant_form import GrantForm
from analyticspro.hub.holders import choices, in_words, title_of
from analyticspro.hub.pages import Page
from analyticspro.policies import Holder, Policies, Stored
from analyticspro.policies.seers import seer
from analyticspro.policy import EVERYTHING, Capability, Grant, Tag

if TYPE_CHECKING:
    from analyticspro.policies.previewing import Line

__all__ = ["PoliciesPage", "PolicyHistory"]

_MOST_CHANGES = 200
_KINDS = {"metrics": "Figures", "fields": "Fields of records", "properties": "Properties, by tag"}


class _AboutPolicies(Page, needs=Capability.USERS_WRITE):
    @property
    def policies(self) -> Policies:
        """The grants."""
        return Policies(self.reception.state, self.reception.audit)

    async def people(self) -> dict[str, Person]:
        """Return everybody by username."""
        found = await self.reception.read(self.reception.accounts.directory.all)
        return {one.username: one for one in found}


class PoliciesPage(_AboutPolicies):
    """The grants: listed, added after a preview, withdrawn after a question."""

    async def get(self) -> None:
        """Show them."""
        again = self.get_query_argument("again", "")
        form = GrantForm()
        if again.isdecimal():
            form = GrantForm.of(await self._stored(int(again)))
        await self._list(form=form)

    async def post(self) -> None:
        """Preview, add, or withdraw."""
        form = GrantForm.sent(self.typed, self.get_body_arguments)
        do = {"preview": self._preview, "save": self._save, "withdraw": self._withdraw}
        try:
            await do.get(self.typed("do"), self._nothing)(form)
        except AnalyticsProError as error:
            await self._list(form=form, error=error)

    async def _nothing(self, _: GrantForm) -> None:
        raise DefinitionError("This cannot be done here. Load the page again.")

    async def _preview(self, form: GrantForm) -> None:
        holder = form.whose()
        told = await self._asked(holder, form=form)
        await self._show_preview(
            holder, told, fields=form.fields(), button="Save the grant", do="save"
        )

    async def _save(self, form: GrantForm) -> None:
        made = await self.reception.do(
            self.policies.grant, await self._known(form.whose()), form.grant(), by=self.actor()
        )
        who = title_of(made.holder, await self.people())
        await self._list(
            done=f"Grant {made.number} is saved: {who} has it everywhere within 10 seconds."
        )

    async def _withdraw(self, _: GrantForm) -> None:
        number = self.typed("number")
        if not number.isdecimal():
            raise DefinitionError("No grant is named. Load the page again.")
        stored = await self._stored(int(number))
        if self.typed("sure") != "yes":
            told = await self._asked(stored.holder, withdraw=[stored.number])
            fields = [("number", number), ("sure", "yes")]
            await self._show_preview(
                stored.holder, told, fields=fields, button="Withdraw the grant", do="withdraw",
                gone=in_words(stored, await self.people()),
            )  # fmt: skip
            return
        gone = await self.reception.do(self.policies.withdraw, stored.number, by=self.actor())
        who = title_of(gone.holder, await self.people())
        done = f"Grant {gone.number} is withdrawn: {who} has it no more, within 10 seconds."
        await self._list(done=done, undo=GrantForm.of(gone).fields())

    async def _stored(self, number: int) -> Stored:
        found = {each.number: each for each in await self.reception.read(self.policies.all)}
        if number not in found:
            raise UnknownName.of("grant", str(number), map(str, found))
        return found[number]

    async def _known(self, holder: Holder) -> Holder:
        """Return `holder`, who is there; raises UnknownName."""
        find = partial(seer, self.reception.state, self.policies, now=clock.now())
        await self.reception.read(find, holder.name)
        return holder

    async def _asked(
        self, holder: Holder, *, form: GrantForm | None = None, withdraw: Sequence[int] = ()
    ) -> dict[str, Any]:
        """Return what a change would do; a few figures too, if the api answers."""
        added = None if form is None else form.grant()
        await self._known(holder)
        lines = await self.reception.read(self._lines, holder, added, withdraw)
        body = {"who": holder.name, "by": self.current_user.name, "withdraw": list(withdraw)}
        try:
            told = await ask_api(
                self.reception.home,
                "/v1/policies/preview",
                body if form is None else body | {"grant": form.asked()},
            )
        except ServiceUnavailable:
            told = {"figures": []}
        for each in told["figures"]:
            each["now"], each["after"] = _figure(each["now"]), _figure(each["after"])
        return {
            "changed": [line for line in lines if line.changes],
            "kept": [line for line in lines if not line.changes],
            "figures": told["figures"],
        }

    def _lines(
        self, holder: Holder, added: Grant | None, withdraw: Sequence[int]
    ) -> tuple[Line, ...]:
        from analyticspro.policies.previewing import after, lines  # with the catalogue

        policies = self.policies
        of = seer(self.reception.state, policies, holder.name, now=clock.now())
        stored = policies.all()
        return lines(after(of, stored), after(of, stored, added=added, withdrawn=withdraw))

    async def _show_preview(self, holder: Holder, told: dict[str, Any], **more: Any) -> None:
        who = title_of(holder, await self.people())
        shown = {"who": who, "kinds": _KINDS, "gone": None, **told}
        await self.show("policies/preview", **(shown | more))

    async def _list(
        self, *, form: GrantForm | None = None, error: AnalyticsProError | None = None, **more: Any
    ) -> None:
        people = await self.people()
        stored = await self.reception.read(self.policies.all)
        values = {
            "grants": [in_words(each, people) for each in stored],
            "choices": choices(list(people.values())),
            "form": form or GrantForm(),
            "tags": [(str(tag), str(tag)) for tag in Tag],
            "everything": EVERYTHING,
            **more,
        }
        if error is None:
            await self.show("policies/list", **values)
        else:
            await self.show_error("policies/list", error, **values)


class PolicyHistory(_AboutPolicies):
    """Who changed what, and when: from the audit log."""

    async def get(self) -> None:
        """Show it, the newest first."""
        find = partial(self.reception.audit.newest, _MOST_CHANGES, action="policies")
        rows, people = await self.reception.read(find), await self.people()
        changes = [
            {
                "at": row.at,
                "by": people[row.who].name if row.who in people else row.who,
                "done": "granted" if row.action == "policies.grant" else "withdrew",
                "number": row.reason.partition(":")[0],
                "what": row.reason.partition(": ")[2].removeprefix("(").removesuffix(")"),
                "who": _subject(row.subject, people),
                "entry": row.seq,
            }
            for row in rows
        ]
        await self.show("policies/history", changes=changes)


def _subject(text: str, people: dict[str, Person]) -> str:
    try:
        return title_of(Holder.parse(text), people)
    except DefinitionError:
        return text


def _figure(told: dict[str, Any]) -> dict[str, str]:
    if "refused" in told:
        return {"text": "hidden", "why": told["refused"]}
    return {"text": Unit.of(told["unit"]).full(told["value"]), "why": ""}
