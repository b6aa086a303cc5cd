"""The owner of the machine sees who may see what, changes it, and asks why."""

from __future__ import annotations

from analyticspro import clock
from analyticspro.accounts import Accounts
from analyticspro.audit import Actor
from analyticspro.config import Home
from analyticspro.policy import Role
from analyticspro.state import State
from tests.cli.terminal import run


def test_a_grant_is_given_explained_and_withdrawn(home: Home):
    before = run("policies", "list", "--format", "json", home=home.path).json
    assert next((row["holder"], row["made_by"]) for row in before) == ("role:admin", "default")
    hidden = run("policies", "explain", "manager", "pii", home=home.path)
    assert hidden.out.startswith("Hidden. A field tagged pii carries the tag pii. No single grant")
    assert "default 1 of managers" in hidden.out

    given = run(
        "policies", "grant", "--role", "manager", "--tag", "pii", "--where", "country=US,CA",
        home=home.path,
    )  # fmt: skip
    assert (given.code, "Grant 6 of role:manager" in given.err) == (0, True)
    shown = run("policies", "explain", "manager", "pii", "--format", "json", home=home.path).json
    assert shown["shown"] is True
    assert "grant 6 of role:manager (pii; rows by country)" in shown["reason"]
    assert "country=US,CA" in run("policies", "list", home=home.path).out
    for what, told in (("revenue", "Shown."), ("amount_minor", "Hidden."), ("raw", "Hidden.")):
        assert run("policies", "explain", "viewer", what, home=home.path).out.startswith(told)

    assert run("policies", "withdraw", "6", home=home.path).code == 0
    assert run("policies", "explain", "manager", "pii", home=home.path).out.startswith("Hidden.")
    actions = run("audit", "list", "--action", "policies", "--format", "json", home=home.path).json
    assert [row["action"] for row in actions] == ["policies.withdraw", "policies.grant"]


def test_a_person_is_granted_something_by_address(home: Home):
    with State.open(home.state_address) as state:
        joining = Accounts.of(home, state, base_url="").joining
        link = joining.invite(
            "ada@acme.example", Role.VIEWER, by=Actor("p1", "here"), now=clock.now()
        )
        joining.accept(
            link.token, "Ada", "quiet harbour lantern 88", origin="here", now=clock.now()
        )
    run("policies", "grant", "--person", "ada@acme.example", "--tag", "pii", home=home.path)

    explained = run("policies", "explain", "ada@acme.example", "pii", home=home.path)
    assert "Shown." in explained.out
    assert run("policies", "explain", "viewer", "pii", home=home.path).out.startswith("Hidden.")


def test_what_is_wrong_is_told_with_its_cure(home: Home):
    for words, told in (
        (["grant", "--tag", "pii"], "Say who"),
        (["grant", "--role", "viewer", "--where", "country"], "is no row filter"),
        (["withdraw", "99"], "No grant '99'"),
        (["explain", "viewer", "revenu"], "Did you mean 'revenue'"),
        (["explain", "eve@acme.example", "revenue"], "No person 'eve@acme.example'"),
    ):
        found = run("policies", *words, home=home.path)
        assert (found.code, told in found.err) == (2, True), found.err
