"""What an admin asks for has the service reach nothing that is not declared on its machine."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from analyticspro.config import Home
from analyticspro.policy import Role
from tests.api.server import Reply, Server
from tests.api.server import serving as serving_api
from tests.authorisation.hub_double import doubling, model
from tests.connectors.web import Get, Got
from tests.connectors.web import serving as serving_pages

FILES: dict[str, Any] = {"name": "loot", "connector": "files", "event": "e", "occurred_at": "at"}
STREAM = {"path": "x", "key": ["id"], "event": "e", "occurred_at": "at"}
DAYS = {"since": "2026-01-01T00:00:00Z", "until": "2026-02-01T00:00:00Z"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("reaching")
    home = Home(folder / "home").prepare()
    (folder / "till.csv").write_text("id,at\n1,2026-01-01T10:00:00Z\n")
    home.sources_file.write_text(
        f'[sources.till]\npath = "{folder}/till.csv"\nevent = "sold"\noccurred_at = "at"\n'
    )
    with doubling(home) as hub, serving_api(home) as running:
        hub.people["root"] = model("p1", Role.ADMIN)
        yield running


@pytest.fixture(scope="module")
def inner() -> Iterator[tuple[str, list[Get]]]:
    """Something that listens on loopback, and what it was asked."""
    asked: list[Get] = []

    def answer(get: Get) -> Got:
        asked.append(get)
        return Got([{"id": 1, "at": "2026-01-01T10:00:00Z"}])

    with serving_pages(answer) as url:
        yield url, asked


def attacks(home: Path, url: str) -> list[dict[str, Any]]:
    rest = {"name": "loot", "connector": "rest", "streams": {"x": STREAM}, "allow_http": True}
    stored = {"path": "s3://bucket/*.csv", "store": {"endpoint": url, "anonymous": True}}
    till = {"name": "till", "event": "sold", "occurred_at": "at"}
    return [
        FILES | {"path": "/etc/passwd"},
        FILES | {"path": str(home / "token"), "format": "jsonl"},
        FILES | {"path": f"{home}/../{home.name}/audit/*"},
        FILES | stored,
        rest | {"url": url},
        rest | {"url": "http://169.254.169.254/latest/meta-data"},
        rest | {"url": "http://localhost.example.com"},
        {"name": "loot", "connector": "uptime", "url": url},
        till | {"path": "/etc/passwd"},  # the name of one that is declared
        till | {"path": f"{home.parent}/till.csv", "settled_for": 1.0},
    ]


def as_admin(server: Server, path: str, body: object) -> Reply:
    return server.call("POST", path, body, token="root")


@pytest.mark.parametrize("number", range(10))
def test_what_is_not_declared_is_not_read(
    number: int, server: Server, inner: tuple[str, list[Get]]
):
    url, asked = inner
    source = attacks(server.home.path, url)[number]
    for path, body in (
        ("/v1/sync", {"sources": [source]}),
        ("/v1/replay", {"source": source}),
        ("/v1/backfill", {"source": source, **DAYS}),
    ):
        reply = as_admin(server, path, body)
        wrong = reply.status == 422 and source["name"] == "loot"  # no declaration at all
        assert reply.status == 403 or wrong, reply.body
        assert b"root:" not in reply.body
    assert asked == []


def test_some_of_those_attacks_are_declarations_that_work(server: Server):
    """Else they would be refused for what they are."""
    url = "http://127.0.0.1:1"
    told = [
        as_admin(server, "/v1/sync", {"sources": [source]}).status
        for source in attacks(server.home.path, url)
    ]
    assert told.count(403) >= 8


def test_what_is_declared_is_read_by_its_declaration_or_without_one(server: Server):
    assert as_admin(server, "/v1/sync", {}).status == 200
    sources = {each["name"]: each for each in server.call("GET", "/v1/sources").json["sources"]}
    declaration = sources["till"].get("declaration")
    if declaration is not None:
        source = json.loads(declaration) if isinstance(declaration, str) else declaration
        assert as_admin(server, "/v1/sync", {"sources": [source]}).status == 200


@pytest.mark.parametrize("into", ["/tmp/loot", "backups", "", "/etc/cron.d", "../../loot"])
def test_a_backup_goes_nowhere_else(into: str, server: Server, tmp_path: Path):
    before = sorted(server.home.path.rglob("manifest*"))
    reply = as_admin(server, "/v1/backup", {"into": into})
    assert reply.status == 403
    assert sorted(server.home.path.rglob("manifest*")) == before
    assert as_admin(server, "/v1/backup", {"into": str(tmp_path / "loot")}).status == 403
    assert not (tmp_path / "loot").exists()


def test_a_backup_into_the_home_is_an_admin_s(server: Server):
    reply = as_admin(server, "/v1/backup", {"keep": 3})
    assert reply.status == 200
    [made] = json.loads(reply.body.splitlines()[-1])["reports"]
    assert str(server.home.path / "backups") in json.dumps(made)


def test_the_owner_of_the_machine_may_name_any(server: Server, tmp_path: Path):
    (tmp_path / "own.csv").write_text("id,at\n1,2026-01-01T10:00:00Z\n")
    source = FILES | {"name": "own", "path": str(tmp_path / "own.csv")}
    assert server.call("POST", "/v1/sync", {"sources": [source]}).status == 200
    reply = server.call("POST", "/v1/backup", {"into": str(tmp_path / "safe")})
    assert reply.status == 200
    assert list((tmp_path / "safe").iterdir())
