"""Who somebody is, for the hub: sessions of `analyticspro.accounts`, and the role as a group."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyterhub.auth import Authenticator
from tornado.ioloop import PeriodicCallback
from traitlets import Unicode, default

from analyticspro.accounts import NewSession, Person, Proof
from analyticspro.config import Home
from analyticspro.errors import SettingError
from analyticspro.hub.ending_labs import LabWatch
from analyticspro.hub.reception import Reception, hub_session
from analyticspro.policy import Role, group_of

if TYPE_CHECKING:
    from analyticspro.hub.provider import Provider

__all__ = ["SESSION_COOKIE", "AccountsAuthenticator"]

SESSION_COOKIE = "analyticspro-session"
_LOOK_EVERY = timedelta(seconds=3)


class AccountsAuthenticator(Authenticator):  # type: ignore[misc]  # published without types
    """Signs people in by their account, and out when their session ends.

    The hub's own cookie is the same on all devices of a person and never changes. It therefore
    counts only besides the cookie of a session that goes on, and so does each token that a page
    was given in it.
    """

    workspace = Unicode(help="The home whose accounts sign in.").tag(config=True)
    reception: Reception

    def __init__(self, **traits: Any) -> None:
        super().__init__(**traits)
        home = Home(Path(self.workspace))
        self.reception = Reception.of(home)
        self.provider = _provider(home) if home.settings.oidc_issuer else None

    @default("auth_refresh_age")
    def _default_auth_refresh_age(self) -> int:
        # At each request, as below none of the hub's requests was "refreshed" just now: it keeps
        # that for a person, not for a session, and one device would cover for another.
        return -1

    @default("auth_refresh_strict")
    def _default_auth_refresh_strict(self) -> bool:
        return True  # tokens of somebody who was removed are to end too

    @default("manage_groups")
    def _default_manage_groups(self) -> bool:
        return True

    def get_handlers(self, app: Any) -> list[tuple[str, Any]]:
        """Return the pages, which come before the hub's own; from now on Labs are looked at."""
        from analyticspro.hub.routes import ROUTES  # its pages name this class

        self._labs = LabWatch(app, self.reception)
        self._looking = PeriodicCallback(self._labs.look, _LOOK_EVERY)
        self._looking.start()
        if self.provider is None:
            return [*ROUTES]
        from analyticspro.hub.provider_pages import ROUTES as THERE_AND_BACK

        return [*ROUTES, *THERE_AND_BACK]

    async def authenticate(self, handler: Any, data: dict[str, Any]) -> dict[str, Any]:
        """Return who signs in, with a new session, as what the hub wants to know.

        Args:
            handler: Of the request.
            data: `email` and `password` as they were typed, the `entry` of a made-up person's link,
                or a provider's checked `proof`.

        Raises:
            Forbidden: Address and password do not fit, or the account waits for something; or
                the link of a made-up person has ended.
            TooManyAttempts: Too often.
        """
        begun = await self._begun(handler, data)
        life = begun.session.expires_at - begun.session.started_at
        handler._set_cookie(
            SESSION_COOKIE, begun.token, encrypted=False, path=handler.hub.base_url,
            samesite="Lax", max_age=int(life.total_seconds()),
        )  # fmt: skip
        # Whatever the browser called its session before, another may have made it call so.
        handler._session_id = hub_session(begun.session)
        self._labs.began(begun.person.username, handler._session_id)
        handler.set_session_cookie()
        return _model(begun.person)

    async def _begun(self, handler: Any, data: dict[str, Any]) -> NewSession:
        accounts, proof = self.reception.accounts, data.get("proof")
        agent = handler.request.headers.get("User-Agent", "")
        origin = handler.request.remote_ip
        # The hub's API passes on what it is sent as JSON, of which none becomes a Proof.
        if isinstance(proof, Proof) and self.provider is not None:
            admit, rules = accounts.admitting.admit, self.provider.rules
            return await self.reception.do(admit, proof, rules, origin=origin, agent=agent)
        if "entry" in data:
            enter_demo, entry = accounts.trying.enter, data["entry"]
            return await self.reception.do(enter_demo, entry, origin=origin, agent=agent)
        enter, email, password = accounts.entering.sign_in, data["email"], data["password"]
        return await self.reception.do(enter, email, password, origin=origin, agent=agent)

    async def refresh_user(self, user: Any, handler: Any = None) -> dict[str, Any] | bool:
        """Tell whether somebody is still in, with the role of now."""
        person = await self._still_in(user.name, user, handler)
        if person is None:
            return False
        model = _model(person)
        return True if [group.name for group in user.groups] == model["groups"] else model

    async def _still_in(self, username: str, user: Any, handler: Any) -> Person | None:
        by_token = getattr(handler, "_token_authenticated", False)
        if handler is not None and handler._jupyterhub_user is user and not by_token:
            found = await self.reception.entered(handler.get_cookie(SESSION_COOKIE) or "")
            is_whole = found is not None and handler.get_session_cookie() == hub_session(
                found.session
            )
            return (
                found.person if found and is_whole and found.person.username == username else None
            )
        person = await self.reception.person(username)
        token = handler.get_token() if by_token and handler._jupyterhub_user is user else None
        if person is None or token is None or not token.session_id:
            return person
        return person if await self.reception.holds(person, token.session_id) else None


def _model(person: Person) -> dict[str, Any]:
    return {"name": person.username, "groups": [group_of(Role(person.role))], "admin": False}


def _provider(home: Home) -> Provider:
    try:
        from analyticspro.hub.provider import Provider
    except ImportError as error:
        raise SettingError(
            f"Setting oidc_issuer is set, which needs oauthenticator ({error}). Install it: "
            "pip install 'analyticspro[oidc]'."
        ) from None
    return Provider(home)
