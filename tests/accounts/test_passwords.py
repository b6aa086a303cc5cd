"""A password is judged by how many guesses it takes, and only its Argon2 hash is kept."""

from __future__ import annotations

import pytest
from argon2 import extract_parameters

from analyticspro.accounts import Passwords
from analyticspro.errors import DefinitionError
from tests.accounts.conftest import GOOD, QUICK


@pytest.fixture(scope="module")
def passwords() -> Passwords:
    return Passwords(QUICK)


@pytest.mark.parametrize(
    "password",
    [
        "password1234",
        "qwertyuiop12",
        "111111111111",
        "iloveyou2011!",
        "Passw0rd!Passw0rd!",
        "abcdefghijkl",
        "Ada Lovelace1",
        "ada.lovelace@acme",
        "lovelace2026!AdA",
        "analyticspro1",
    ],
)
def test_what_is_guessed_first_is_refused(passwords: Passwords, password: str):
    with pytest.raises(DefinitionError, match="easily guessed") as caught:
        passwords.check(password, about=("Ada Lovelace", "ada.lovelace@acme.example"))
    assert password not in str(caught.value)


@pytest.mark.parametrize(
    "password", [GOOD, "wolkenbruch am dienstag", "ζωγραφιστό ποδήλατο", "x7$Kq!v2Lp@9"]
)
def test_length_counts_not_the_kinds_of_characters(passwords: Passwords, password: str):
    passwords.check(password)


def test_too_short_and_too_long_are_told(passwords: Passwords):
    with pytest.raises(DefinitionError, match="12 characters or more"):
        passwords.check("x7$Kq!v2Lp@")
    with pytest.raises(DefinitionError, match="256 characters or fewer"):
        passwords.check("quiet harbour " * 20)


def test_the_right_one_is_right_however_it_was_typed(passwords: Passwords):
    hashed = passwords.hash("caf\u00e9 am bahnhof")
    assert passwords.is_right(hashed, "cafe\u0301 am bahnhof")
    assert not passwords.is_right(hashed, "cafe am bahnhof")
    assert not passwords.is_right(None, "nobody has this password")
    assert not passwords.is_right("", "nobody has this password")
    assert not passwords.is_right("broken", "")
    assert not passwords.is_right(hashed, "\ud800 lone surrogate")


def test_the_parameters_are_those_of_rfc_9106():
    found = extract_parameters(Passwords().hash(GOOD))
    assert (found.type.name, found.memory_cost, found.time_cost) == ("ID", 65536, 3)


def test_a_hash_of_other_parameters_is_dated(passwords: Passwords):
    assert not passwords.is_dated(passwords.hash(GOOD))
    assert Passwords().is_dated(passwords.hash(GOOD))
