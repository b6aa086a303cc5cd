"""The page of write keys: who may send events to the collector."""

from __future__ import annotations

from typing import Any

from analyticspro import clock
from analyticspro.collecting import WriteKeys
from analyticspro.errors import AnalyticsProError, DefinitionError
from analyticspro.hub.key_pages import key_tabs
from analyticspro.hub.pages import Page
from analyticspro.policy import Capability

__all__ = ["WriteKeyPage"]


class WriteKeyPage(Page, needs=Capability.SOURCES_WRITE):
    """Keys that send events of one source and do nothing else; the api's, not the hub's."""

    async def get(self) -> None:
        """Show them."""
        is_revoked = self.get_query_argument("done", "") == "revoked"
        await self._show(done="The key is revoked: nothing is taken with it." if is_revoked else "")

    async def post(self) -> None:
        """Make a key, and show it this once; or revoke one."""
        what, name = self.typed("do"), self.typed("name")
        keys = WriteKeys.of(self.reception.home)
        if what == "revoke" and not self.is_sure:
            await self.ask(
                f"Revoke the write key {name}?",
                "Whatever sends events with it is refused at once. Events that came with it stay. "
                "It cannot be had back.",
                button="Revoke the key",
                back="keys/writing",
            )
            return
        try:
            if what == "revoke":
                await self.reception.read(keys.revoke, name)
                await self.reception.note(self.actor(), "write_keys.revoke", name)
                self.lead_to("keys/writing?done=revoked")
                return
            if what != "make":
                raise DefinitionError("This cannot be done here. Load the page again.")
            await self._make(keys, name)
        except AnalyticsProError as error:
            await self._show(error)

    async def _make(self, keys: WriteKeys, name: str) -> None:
        if self.reception.home.settings.demo:
            raise DefinitionError(
                "This workspace holds demo data, which is never mixed with real data. Give your "
                "own a home: analyticspro --home DIR keys create NAME"
            )
        made = await self.reception.do(
            keys.create,
            name,
            source=self.typed("source").strip() or None,
            rate=_rate(self.typed("rate").strip()),
            origins=self.typed("origins").split(),
            is_signed=self.typed("signed") == "yes",
        )
        try:
            told = f"for source {made.key.source}"
            await self.reception.note(self.actor(), "write_keys.make", name, told)
        except AnalyticsProError:
            await self.reception.read(keys.revoke, name)
            raise
        await self._show(made=made)

    async def _show(self, error: AnalyticsProError | None = None, **more: object) -> None:
        names = ("name", "source", "rate", "origins", "signed")
        values: dict[str, Any] = {
            "keys": await self.reception.read(WriteKeys.of(self.reception.home).all),
            "given": {name: self.typed(name) if error else "" for name in names},
            "tabs": key_tabs(self),
            "today": clock.now(),
            **more,
        }
        if error is None:
            await self.show("keys/writing", **values)
        else:
            await self.show_error("keys/writing", error, **values)


def _rate(text: str) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        raise DefinitionError(f"{text!r} is no number of events a second.") from None
