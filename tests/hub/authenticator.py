"""People of the tests: each signs in with their own name, and is of the role so called."""

from __future__ import annotations

from typing import Any

from jupyterhub.auth import Authenticator

PEOPLE = {"vera": ["viewer"], "mara": ["manager"], "ada": ["analyst"], "root": ["admin"], "nil": []}


class Named(Authenticator):
    async def authenticate(self, handler: Any, data: dict[str, str]) -> dict[str, Any] | None:
        name = data["username"]
        if name not in PEOPLE or data["password"] != f"{name}'s own":
            return None
        return {"name": name, "groups": PEOPLE[name]}
