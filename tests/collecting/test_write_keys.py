"""Write keys are kept hashed, for the owner's eyes, and end when they are revoked."""

from __future__ import annotations

import json
import os
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from analyticspro.collecting import WriteKeys
from analyticspro.config import Home
from analyticspro.errors import DefinitionError, SettingError, UnknownName

NOW = datetime(2026, 11, 21, 16, 0, tzinfo=UTC)


def file_of(home: Home) -> Path:
    return home.path / "write_keys.json"


def test_a_key_is_found_by_its_text_alone(home: Home):
    keys = WriteKeys.of(home)
    made = keys.create("website", source="shop", now=NOW)
    assert keys.find(made.text) == made.key
    assert (made.key.name, made.key.source) == ("website", "shop")
    for other in ("", made.text[:-1], made.text + "x", made.key.digest, "website", "\udcff"):
        assert keys.find(other) is None


def test_its_text_is_nowhere(home: Home):
    made = WriteKeys.of(home).create("website", is_signed=True, now=NOW)
    for path in home.path.rglob("*"):
        assert not path.is_file() or made.text.encode() not in path.read_bytes()
    assert made.key.secret is not None
    assert made.text not in repr(made)
    assert made.key.secret not in repr(made)


def test_the_file_is_the_owner_s(home: Home):
    keys = WriteKeys.of(home)
    keys.create("website", now=NOW)
    assert file_of(home).stat().st_mode & 0o777 == 0o600
    file_of(home).chmod(0o644)
    with pytest.raises(SettingError, match="can be read by others"):
        WriteKeys.of(home).all()


def test_what_another_process_does_is_seen(home: Home):
    """That is: another object, which shares nothing with the first but the file."""
    service, command = WriteKeys.of(home), WriteKeys.of(home)
    made = command.create("website", now=NOW)
    assert service.find(made.text) == made.key
    command.revoke("website")
    deadline = time.monotonic() + 10
    while service.find(made.text) is not None:
        assert time.monotonic() < deadline
    assert service.all() == []


def test_a_name_is_taken_once(home: Home):
    keys = WriteKeys.of(home)
    first = keys.create("website", now=NOW)
    with pytest.raises(DefinitionError, match="already"):
        keys.create("website", now=NOW)
    keys.revoke("website")
    with pytest.raises(UnknownName, match="website"):
        keys.revoke("website")
    assert keys.create("website", now=NOW).text != first.text
    assert keys.find(first.text) is None


@pytest.mark.parametrize("name", ["", "Web", "1a", "a b", "a" * 61, "é", "../x"])
def test_a_name_is_a_word(name: str, home: Home):
    with pytest.raises(DefinitionError):
        WriteKeys.of(home).create(name, now=NOW)
    with pytest.raises(DefinitionError):
        WriteKeys.of(home).create("fine", source=name or "?", now=NOW)
    assert not file_of(home).exists()


@pytest.mark.parametrize("rate", [0, -1, float("nan"), float("inf")])
def test_a_rate_is_above_nothing(rate: float, home: Home):
    with pytest.raises(DefinitionError):
        WriteKeys.of(home).create("website", rate=rate, now=NOW)


def test_origins_are_as_browsers_write_them(home: Home):
    keys = WriteKeys.of(home)
    key = keys.create("website", origins=["https://Shop.example/", "http://a:8080"], now=NOW).key
    assert key.origins == ("https://shop.example", "http://a:8080")
    assert key.allows("https://shop.example")
    assert not key.allows("https://shop.example.evil")
    assert not key.allows("null")
    assert keys.allows("http://a:8080")
    assert keys.create("any", origins=["*"], now=NOW).key.allows("https://whoever.example")


@pytest.mark.parametrize(
    "given",
    ["shop.example", "ftp://a", "https://a/path", "https://a?q", "https://", "https://a:0", "null",
     "https://a b", "https://user@a", "https://a:x"],
)  # fmt: skip
def test_what_is_no_origin_is_refused(given: str, home: Home):
    with pytest.raises(DefinitionError, match="not a web origin"):
        WriteKeys.of(home).create("website", origins=[given], now=NOW)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"format":1}', '{"format":1,"keys":[{}]}'])
def test_a_damaged_file_opens_nothing(content: str, home: Home):
    WriteKeys.of(home).create("website", now=NOW)
    file_of(home).write_text(content)
    with pytest.raises(SettingError, match="damaged"):
        WriteKeys.of(home).all()


def test_a_newer_file_is_left_alone(home: Home):
    file_of(home).write_text(json.dumps({"format": 2, "keys": []}))
    file_of(home).chmod(0o600)
    with pytest.raises(SettingError, match="newer"):
        WriteKeys.of(home).create("website", now=NOW)
    assert json.loads(file_of(home).read_text())["format"] == 2


def test_what_cannot_be_written_is_said(home: Home, tmp_path: Path):
    home.path.chmod(0o500)
    try:
        if os.access(home.path, os.W_OK):  # root may write anywhere: a folder in the way stops it
            home.path.chmod(0o700)
            (home.path / "write_keys.json.new").mkdir()
        with pytest.raises(SettingError, match="cannot be written"):
            WriteKeys.of(home).create("website", now=NOW)
    finally:
        home.path.chmod(0o700)
