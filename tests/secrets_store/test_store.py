"""What is set is given back, to the owner alone, and never shown."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from hypothesis import given, settings
from hypothesis import strategies as st

from analyticspro.config import Home
from analyticspro.errors import SettingError, UnknownName
from analyticspro.secrets_store import KeyPlace, Secrets

NOW = datetime(2026, 11, 5, 12, tzinfo=UTC)
TOKEN = "sk_live_4eC39HqLyjWDarjtT1zdp7dc"


@pytest.fixture
def folder(home: Home) -> Path:
    return home.path / "secrets"


@pytest.fixture
def secrets(home: Home) -> Secrets:
    """A store with one secret in it."""
    store = Secrets.open(home)
    store.set("crm", "token", TOKEN, now=NOW)
    return store


def test_what_is_set_is_given_back(secrets: Secrets, home: Home):
    assert secrets.get("crm", "token") == TOKEN
    assert Secrets.open(home).get("crm", "token") == TOKEN


def test_what_is_not_set_is_named_with_the_cure(secrets: Secrets):
    with pytest.raises(SettingError) as raised:
        secrets.get("shop", "token")
    assert str(raised.value) == (
        "No secret 'shop.token'. Set it: analyticspro secrets set shop.token"
    )


def test_an_empty_home_has_none_and_stays_as_it_is(home: Home, folder: Path):
    assert Secrets.open(home).names() == []
    with pytest.raises(SettingError, match=r"No secret 'crm\.token'"):
        Secrets.open(home).get("crm", "token")
    with pytest.raises(UnknownName, match="There is none yet"):
        Secrets.open(home).remove("crm", "token")
    assert not folder.exists()


def test_names_are_listed_in_order_with_their_time(secrets: Secrets):
    later = NOW + timedelta(days=1)
    assert secrets.set("app", "key", "another", now=NOW) is False
    assert secrets.set("crm", "token", "another", now=later) is True
    assert [(one.name, one.set_at) for one in secrets.names()] == [
        ("app.key", NOW),
        ("crm.token", later),
    ]
    assert secrets.get("crm", "token") == "another"


def test_what_is_removed_is_gone(secrets: Secrets, folder: Path):
    secrets.set("app", "key", "another", now=NOW)
    secrets.remove("crm", "token")
    with pytest.raises(SettingError, match=r"No secret 'crm\.token'"):
        secrets.get("crm", "token")
    with pytest.raises(UnknownName, match=r"Did you mean 'app\.key'"):
        secrets.remove("app", "kye")
    assert [one.name for one in secrets.names()] == ["app.key"]


def test_nothing_of_a_secret_shows(secrets: Secrets, folder: Path):
    shown = [repr(secrets), str(secrets), repr(secrets.names()), repr(vars(secrets))]
    stored = b"".join(file.read_bytes() for file in folder.iterdir()).decode()
    assert all(TOKEN not in text and TOKEN[-4:] not in text for text in shown)
    assert TOKEN not in stored
    assert "crm" not in stored  # not even what it is for


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        pytest.param("", "is empty", id="empty"),
        pytest.param(" \n", "is empty", id="blank"),
        pytest.param(f"{TOKEN}\0", "is no text", id="a NUL"),
        pytest.param(f"{TOKEN}\ud800", "is no text", id="half a character"),
        pytest.param(TOKEN * 5_000, "is longer than", id="too long"),
    ],
)
def test_a_value_that_cannot_be_kept_is_refused_unseen(secrets: Secrets, value: str, reason: str):
    with pytest.raises(SettingError, match=reason) as raised:
        secrets.set("crm", "token", value, now=NOW)
    assert TOKEN not in str(raised.value)
    assert secrets.get("crm", "token") == TOKEN


@pytest.mark.parametrize(
    ("source", "name"), [("", "token"), ("crm", ""), ("Crm", "token"), ("crm", "a.b"), ("c/m", "x")]
)
def test_a_name_that_is_none_is_refused(secrets: Secrets, source: str, name: str):
    with pytest.raises(SettingError, match="cannot name a secret"):
        secrets.set(source, name, "value", now=NOW)


def test_files_are_for_the_owner_alone_whatever_the_umask(home: Home, folder: Path):
    before = os.umask(0)
    try:
        store = Secrets.open(home)
        store.set("crm", "token", TOKEN, now=NOW)
        store.rotate_key()
    finally:
        os.umask(before)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {file.name: file.stat().st_mode & 0o777 for file in folder.iterdir()} == {
        "key": 0o600,
        "values": 0o600,
    }


@pytest.mark.parametrize("name", ["key", "values"])
def test_files_that_others_can_read_are_refused(secrets: Secrets, folder: Path, name: str):
    (folder / name).chmod(0o640)
    for use in (
        lambda: secrets.get("crm", "token"),
        lambda: secrets.set("crm", "other", "value", now=NOW),
        secrets.rotate_key,
    ):
        with pytest.raises(SettingError, match=f"chmod 600 {folder / name}"):
            use()
    (folder / name).chmod(0o600)
    assert secrets.get("crm", "token") == TOKEN


def test_a_copy_without_the_key_opens_to_nobody(secrets: Secrets, folder: Path):
    (folder / "key").unlink()
    with pytest.raises(SettingError, match="its key is not in"):
        secrets.get("crm", "token")
    with pytest.raises(SettingError, match="its key is not in"):
        secrets.set("crm", "token", "another", now=NOW)  # it would lose the others
    (folder / "key").write_bytes(Fernet.generate_key())
    (folder / "key").chmod(0o600)
    with pytest.raises(SettingError, match="does not open with the key"):
        secrets.get("crm", "token")


@pytest.mark.parametrize(
    "content", ["", "{}", "[]", "no JSON", '{"format": 1, "store": "", "key": "x", "sealed": ""}']
)
def test_a_damaged_store_is_said_so(secrets: Secrets, folder: Path, content: str):
    (folder / "values").write_text(content)
    with pytest.raises(SettingError, match=r"is damaged\. Put back"):
        secrets.get("crm", "token")


def test_any_changed_character_is_noticed(secrets: Secrets, folder: Path):
    whole = json.loads((folder / "values").read_text())
    for place in range(0, len(whole["sealed"]) - 2, 23):
        changed = whole["sealed"]
        other = "A" if changed[place] != "A" else "B"
        changed = changed[:place] + other + changed[place + 1 :]
        (folder / "values").write_text(json.dumps(whole | {"sealed": changed}))
        with pytest.raises(SettingError, match="does not open"):
            secrets.get("crm", "token")


def test_a_store_of_a_newer_version_is_left_alone(secrets: Secrets, folder: Path):
    newer = json.loads((folder / "values").read_text()) | {"format": 2}
    (folder / "values").write_text(json.dumps(newer))
    with pytest.raises(SettingError, match="written by a newer AnalyticsPro"):
        secrets.set("crm", "token", "value", now=NOW)


def test_a_new_key_opens_all_and_the_old_one_nothing(secrets: Secrets, folder: Path):
    secrets.set("app", "key", "another", now=NOW)
    old = (folder / "key").read_bytes()
    assert secrets.rotate_key() is KeyPlace.FILE
    assert secrets.get("crm", "token") == TOKEN
    assert secrets.get("app", "key") == "another"
    new = (folder / "key").read_bytes()
    assert len(new.split()) == 1
    (folder / "key").write_bytes(old)
    with pytest.raises(SettingError, match="does not open"):
        secrets.get("crm", "token")


@pytest.mark.parametrize("sealed_with", ["the old key", "the new key"])
def test_a_rotation_that_was_broken_off_is_ended_by_the_next_write(
    secrets: Secrets, folder: Path, sealed_with: str
):
    """As a kill leaves it: both keys are kept, and everything is sealed with one of them."""
    old = (folder / "key").read_bytes()
    if sealed_with == "the new key":
        secrets.rotate_key()
        new = (folder / "key").read_bytes()
    else:
        new = Fernet.generate_key()
    (folder / "key").write_bytes(b"\n".join([new.strip(), old.strip()]))
    (folder / "key.new").write_bytes(b"half of a dr")
    assert secrets.get("crm", "token") == TOKEN
    secrets.set("app", "key", "another", now=NOW)
    assert (folder / "key").read_bytes().split() == [new.strip()]
    assert secrets.get("crm", "token") == TOKEN
    assert {file.name for file in folder.iterdir()} == {"key", "values"}


def test_a_store_that_cannot_be_written_stays_as_it_was(home: Home, folder: Path):
    folder.write_text("a file where the folder should be")
    with pytest.raises(SettingError, match="cannot be written"):
        Secrets.open(home).set("crm", "token", TOKEN, now=NOW)


@settings(max_examples=30)  # each is written to the disk for good
@given(value=st.text(min_size=1).filter(lambda text: text.strip() and "\0" not in text))
def test_any_text_comes_back_as_it_was(tmp_path_factory: pytest.TempPathFactory, value: str):
    store = Secrets(tmp_path_factory.mktemp("home") / "secrets")
    store.set("crm", "token", value, now=NOW)
    assert store.get("crm", "token") == value
