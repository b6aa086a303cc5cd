"""Errors say what, which value and the cure, and survive the way over HTTP."""

from __future__ import annotations

import json

import pytest

from analyticspro import errors
from analyticspro.errors import AnalyticsProError, UnknownName, from_payload

KINDS = [
    kind
    for name in errors.__all__
    if isinstance(kind := getattr(errors, name), type) and issubclass(kind, AnalyticsProError)
]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_client_raises_what_the_service_raised(kind: type[AnalyticsProError]):
    sent = json.dumps(kind("no such folder").payload())
    received = from_payload(json.loads(sent))
    assert type(received) is kind
    assert str(received) == "no such folder"
    assert received.exit_code == kind.exit_code


def test_each_kind_has_a_code_of_its_own():
    assert len({kind.code for kind in KINDS}) == len(KINDS)


@pytest.mark.parametrize(
    ("kind", "exit_code"),
    [
        (errors.AnalyticsProError, 1),
        (errors.UnknownName, 2),
        (errors.SettingError, 2),
        (errors.DataError, 3),
        (errors.SourceError, 3),
        (errors.ServiceUnavailable, 4),
        (errors.WarehouseBusy, 4),
        (errors.WarehouseError, 5),
        (errors.Forbidden, 6),
    ],
)
def test_a_command_ends_with_the_code_of_the_recovery(
    kind: type[AnalyticsProError], exit_code: int
):
    assert kind.exit_code == exit_code


@pytest.mark.parametrize(
    "payload",
    [{}, {"code": "from the future"}, {"message": "?"}],
    ids=["empty", "an unknown code", "no code"],
)
def test_an_error_nobody_knows_is_still_an_error(payload: dict[str, str]):
    assert type(from_payload(payload)) is AnalyticsProError


@pytest.mark.parametrize(
    ("name", "known", "message"),
    [
        pytest.param(
            "revenu",
            ["orders", "revenue"],
            "No metric 'revenu'. Did you mean 'revenue'?",
            id="the nearest is suggested",
        ),
        pytest.param(
            "FRANCE",
            ["Finland", "France"],
            "No metric 'FRANCE'. Did you mean 'France'?",
            id="whatever its case",
        ),
        pytest.param(
            "xyz", ["b", "a"], "No metric 'xyz'. Known: a, b.", id="else all are named, in order"
        ),
        pytest.param(
            "xyz",
            [f"{number:02}" for number in range(20)],
            "No metric 'xyz'. Known: 00, 01, 02, 03, 04, 05, 06, 07, 08, 09, 10, 11, ….",
            id="or the first dozen",
        ),
        pytest.param("xyz", [], "No metric 'xyz'. There is none yet.", id="or that there is none"),
    ],
)
def test_an_unknown_name_tells_what_is_known(name: str, known: list[str], message: str):
    assert str(UnknownName.of("metric", name, known)) == message


def test_an_unknown_name_tells_where_it_stands():
    error = UnknownName.of("setting", "prot", ["port"], where="settings.toml")
    assert str(error) == "No setting 'prot' in settings.toml. Did you mean 'port'?"
