from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from analyticspro.config import Home
from analyticspro.policy import Role
from tests.api.server import Server
from tests.api.server import serving as serving_api
from tests.hub.authenticator import PEOPLE
from tests.hub.serving import Person
from tests.hub.serving import serving as serving_hub
from tests.local import until

# Each caller of the table, with their role; None: nothing is allowed to them.
CALLERS: dict[str, Role | None] = {
    **{name: Role.of(roles[0]) if roles else None for name, roles in PEOPLE.items()},
    "outsider": None,
    "stranger with a made-up token": None,
    "admin whose token has expired": None,
    "admin whose token was revoked": None,
}
KNOWN = [*PEOPLE]  # the others are nobody: 401


@dataclass(frozen=True)
class Site:
    """A hub and an api of one home, and a token of each caller."""

    server: Server
    people: dict[str, Person]
    tokens: dict[str, str | None]

    def token_of(self, name: str, **more: Any) -> tuple[str, str]:
        """Make another token; return its id and itself."""
        path = f"/users/{name}/tokens"
        made = self.people[name].ask("POST", path, json={"note": "test", **more})
        assert made.status_code == 201, made.text
        told = made.json()
        return str(told["id"]), str(told["token"])

    def revoke(self, name: str, number: str) -> None:
        path = f"/users/{name}/tokens/{number}"
        assert self.people[name].ask("DELETE", path).status_code == 204


@pytest.fixture(scope="package")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder: Path = tmp_path_factory.mktemp("authorisation")
    home = Home(folder / "home").prepare()
    with serving_hub(home), serving_api(home) as server:
        people = {name: Person(home, name) for name in PEOPLE}
        for one in people.values():
            assert one.sign_in().status_code == 200
        site = Site(server, people, {})
        for name in PEOPLE:
            site.tokens[name] = site.token_of(name)[1]
        site.tokens["outsider"] = None
        site.tokens["stranger with a made-up token"] = "0" * 32
        number, revoked = site.token_of("root")
        site.revoke("root", number)
        site.tokens["admin whose token was revoked"] = revoked
        expired = site.token_of("root", expires_in=1)[1]
        site.tokens["admin whose token has expired"] = expired
        # Nothing answered yet from memory: neither token was shown to the api before.
        hub = f"http://127.0.0.1:{home.settings.hub_api_port}/hub/api/user"
        headers = {"Authorization": f"token {expired}"}
        until(lambda: httpx.get(hub, headers=headers).status_code == 403)
        yield site
        for one in people.values():
            one.close()
