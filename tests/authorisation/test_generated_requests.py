"""Requests made up from the OpenAPI document, as each role: no failure, and nothing forbidden."""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import GenerationMode

from analyticspro.policy import Capability, Role, roles_with
from tests.authorisation.conftest import CALLERS, KNOWN, Site

# An admin's would mark the workspace, make backups, or reach for made-up sources; what is refused
# to others is tried with them too.
NOT_BY_ADMINS = {"/v1/demo", "/v1/backup", "/v1/sync", "/v1/backfill", "/v1/replay"}


def may(needs: str | None, role: Role | None) -> bool:
    if needs is None:
        return True  # open to all
    return needs in list(Capability) and role in roles_with(Capability(needs))


def check(site: Site, caller: str, *, examples: int) -> None:
    role, answered = CALLERS[caller], set()
    schema = schemathesis.openapi.from_dict(site.server.call("GET", "/v1/openapi.json").json)
    for found in schema.get_all_operations():
        operation = found.ok()
        is_allowed = may(operation.definition.raw.get("x-needs"), role)
        if is_allowed and role is Role.ADMIN and operation.path in NOT_BY_ADMINS:
            continue
        answered |= answers(operation, site, caller, examples, is_allowed=is_allowed)
    assert 200 in answered
    assert 403 in answered or role is Role.ADMIN


def answers(
    operation: schemathesis.APIOperation[Any, Any, Any],
    site: Site,
    caller: str,
    examples: int,
    *,
    is_allowed: bool,
) -> set[int]:
    """Send requests that fit the document; return the statuses of their answers."""
    statuses: set[int] = set()

    @seed(20_261_121)
    @settings(
        max_examples=examples,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(GenerationMode.POSITIVE))
    def test(case: schemathesis.Case) -> None:
        headers = {"Authorization": f"Bearer {site.tokens[caller]}"}
        answer = case.call(base_url=site.server.url, headers=headers)
        statuses.add(answer.status_code)
        assert answer.status_code < 500, case.as_curl_command()
        assert is_allowed or answer.status_code in (401, 403), case.as_curl_command()
        # Who may ask may not ask everything: a statement for what it says, or about others.
        if is_allowed and case.path not in ("/v1/sql", "/v1/explain"):
            assert answer.status_code not in (401, 403), case.as_curl_command()

    test()
    return statuses


@pytest.mark.parametrize("caller", KNOWN)
def test_nothing_fails_and_nothing_is_let_through(caller: str, site: Site):
    check(site, caller, examples=3)


@pytest.mark.soak
@pytest.mark.parametrize("caller", KNOWN)
def test_nothing_fails_and_nothing_is_let_through_for_long(caller: str, site: Site):
    check(site, caller, examples=200)
