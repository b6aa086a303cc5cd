"""`analyticspro keys`: write keys are made, listed and revoked; their text is shown once."""

from __future__ import annotations

from analyticspro.collecting import WriteKeys
from analyticspro.config import Home
from tests.cli.terminal import run


def test_a_key_is_made_listed_and_revoked(home: Home):
    made = run("keys", "create", "website", "--origin", "https://shop.example", "--rate", "50",
               home=home.path)  # fmt: skip
    assert made.code == 0
    [text] = made.out.splitlines()
    assert "not shown again" in made.err
    found = WriteKeys.of(home).find(text)
    assert found is not None
    assert (found.source, found.rate, found.secret) == ("website", 50, None)
    listed = run("keys", "list", home=home.path)
    assert "https://shop.example" in listed.out
    assert text not in listed.out + listed.err
    assert run("keys", "revoke", "website", home=home.path).code == 0
    assert WriteKeys.of(home).find(text) is None
    assert run("keys", "revoke", "website", home=home.path).code == 2


def test_a_key_that_signs_comes_with_its_secret(home: Home):
    made = run("keys", "create", "backend", "--source", "shop", "--signed", "--format", "json",
               home=home.path)  # fmt: skip
    found = WriteKeys.of(home).find(made.json["key"])
    assert found is not None
    assert (found.source, found.secret) == ("shop", made.json["secret"])
    [listed] = run("keys", "list", "--format", "json", home=home.path).json
    assert listed["signed"] is True
    assert made.json["secret"] not in str(listed)


def test_a_demo_workspace_gets_none(home: Home):
    home.write_settings(demo=True)
    refused = run("keys", "create", "website", home=home.path)
    assert (refused.code, "demo data" in refused.err) == (2, True)
    assert not (home.path / "write_keys.json").exists()
