"""A setting comes from the environment, else the file, else its default; a bad one says so."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import tomllib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from pathlib import Path
from threading import Barrier

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyticspro.config import Home, Settings, environment
from analyticspro.errors import SettingError, UnknownName


def written(home: Home, text: str) -> Home:
    home.settings_file.write_text(text, encoding="utf-8")
    return Home(home.path)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_without_a_file_every_setting_has_its_default(home: Home):
    assert home.settings == Settings()
    assert (home.settings.host, home.settings.timezone) == ("127.0.0.1", "UTC")


def test_the_file_goes_over_the_default_and_the_environment_over_the_file(
    home: Home, monkeypatch: pytest.MonkeyPatch
):
    given_home = written(home, 'port = 9000\nname = "Shop"\n')
    monkeypatch.setenv("ANALYTICSPRO_PORT", "9100")
    monkeypatch.setenv("ANALYTICSPRO_DEMO", "True")
    settings = given_home.settings
    assert (settings.port, settings.name, settings.demo) == (9100, "Shop", True)
    assert settings.api_port == 8751


def test_the_zone_and_the_environment_are_at_hand(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ANALYTICSPRO_HOME", "~/elsewhere")
    assert environment()["ANALYTICSPRO_HOME"] == "~/elsewhere"
    assert Home.find().path == Path.home() / "elsewhere"
    assert Home.find("here").path == Path.cwd() / "here"
    monkeypatch.delenv("ANALYTICSPRO_HOME")
    assert Home.find().path == Path.home() / ".analyticspro"
    assert Settings(timezone="Europe/London").zone.key == "Europe/London"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('timezone = "Mars/Olympus"', ("timezone", "'Mars/Olympus'", "Europe/London")),
        ('timezone = "localtime"', ("timezone", "'localtime'", "Europe/London")),
        ('timezone = "Europe"', ("timezone", "'Europe'", "Europe/London")),
        ('timezone = "../secret"', ("timezone", "'../secret'", "Europe/London")),
        ('week_start = "friday"', ("week_start", "'friday'", "monday or sunday")),
        ('currency = "pound"', ("currency", "'pound'", "such as GBP")),
        ("port = 0", ("port", "0", "1 to 65535")),
        ("api_port = 65536", ("api_port", "65536", "1 to 65535")),
        ("port = 8751", ("port and api_port", "8751", "must differ")),
        ('port = "8750"', ("port", "'8750'", "a whole number")),
        ("port = 8750.0", ("port", "8750.0", "a whole number")),
        ("memory_mb = 20", ("memory_mb", "20", "256 is the least")),
        ("demo = 1", ("demo", "1", "true or false")),
        ("name = 5", ("name", "5", "must be text")),
        ('host = ""', ("host", "every address", "127.0.0.1")),
        ("port = \nname = 'x'", ("settings.toml", "not valid TOML", "line 1")),
    ],
)
def test_a_bad_value_names_the_setting_the_value_and_the_cure(
    home: Home, text: str, named: tuple[str, str, str]
):
    with pytest.raises(SettingError) as caught:
        _ = written(home, text).settings
    for part in named:
        assert part in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value", "cure"),
    [
        ("ANALYTICSPRO_PORT", "web", "must be a whole number"),
        ("ANALYTICSPRO_DEMO", "yes", "write true or false"),
        ("ANALYTICSPRO_TIMEZONE", "Mars", "Europe/London"),
    ],
)
def test_a_bad_value_in_the_environment_says_so(
    home: Home, monkeypatch: pytest.MonkeyPatch, name: str, value: str, cure: str
):
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingError, match=f"{value}.*{cure}"):
        _ = home.settings


def test_an_unknown_setting_suggests_the_nearest(home: Home):
    with pytest.raises(UnknownName, match=r"'prot' in .*settings\.toml\. Did you mean 'port'\?"):
        _ = written(home, "prot = 9000").settings


@pytest.mark.parametrize("content", [b"name = '\xff'", None], ids=["not UTF-8", "a folder"])
def test_a_file_that_cannot_be_read_says_so(home: Home, content: bytes | None):
    if content is None:
        home.settings_file.mkdir()
    else:
        home.settings_file.write_bytes(content)
    with pytest.raises(SettingError, match=r"settings\.toml"):
        _ = home.settings


def test_a_home_is_for_its_owner_alone(home: Home):
    assert mode(home.token_file) == 0o600
    assert {mode(path) for path in (home.path, *home.path.iterdir()) if path.is_dir()} == {0o700}
    assert len(home.token()) >= 32
    assert [path.name for path in home.path.iterdir() if "token" in path.name] == ["token"]


def test_the_token_stays(home: Home):
    assert home.prepare().token() == home.token()


def test_threads_that_prepare_at_once_make_one_token(tmp_path: Path):
    together = Barrier(8)

    def prepare(_: int) -> str:
        together.wait()
        return Home(tmp_path / "new").prepare().token()

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(prepare, range(8)))) == 1
    assert [path.name for path in (tmp_path / "new").iterdir() if path.is_file()] == ["token"]


def test_processes_that_prepare_at_once_make_one_token(tmp_path: Path):
    code = (
        "import sys; from pathlib import Path; from analyticspro.config import Home; "
        "print('ready', flush=True); sys.stdin.readline(); "
        "print(Home(Path(sys.argv[1])).prepare().token())"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path / "new")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    tokens = {process.communicate("go\n")[0].strip() for process in processes}
    assert tokens == {Home(tmp_path / "new").token()}


@pytest.mark.parametrize("readable_by", [0o640, 0o604, 0o620], ids=["group", "all", "writable"])
def test_a_token_that_others_can_use_is_refused(home: Home, readable_by: int):
    home.token_file.chmod(readable_by)
    with pytest.raises(SettingError, match=r"can be read by others\. Run 'chmod 600 "):
        home.token()


@pytest.mark.parametrize("text", ["", "\n", "short"])
def test_a_token_that_anyone_could_guess_is_refused(home: Home, text: str):
    home.token_file.write_text(text)
    with pytest.raises(SettingError, match="Delete it"):
        home.token()
    home.token_file.unlink()
    assert home.prepare().token()


def test_a_folder_that_is_no_workspace_tells_how_to_start_one(tmp_path: Path):
    with pytest.raises(SettingError, match=r"There is no workspace at .*--home .* up"):
        Home(tmp_path / "nowhere").token()


@pytest.mark.parametrize("inside", ["file", "file/below"])
def test_a_home_that_cannot_be_made_says_how_to_choose_another(tmp_path: Path, inside: str):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(SettingError, match="ANALYTICSPRO_HOME"):
        Home(tmp_path / inside).prepare()


def test_writing_settings_keeps_what_stands(home: Home):
    first = written(home, 'name = "Shop"\nport = 9000\n')
    first.write_settings(timezone="Europe/London", port=None)
    second = Home(home.path)
    assert second.settings == Settings(name="Shop", port=9000, timezone="Europe/London")
    assert first.settings == second.settings, "what was read before is not remembered"


def test_the_written_file_explains_every_setting(home: Home):
    home.write_settings(name="Shop")
    text = home.settings_file.read_text(encoding="utf-8")
    for item in fields(Settings):
        assert item.metadata["help"] in text
    assert tomllib.loads(text) == {"name": "Shop"}


@pytest.mark.parametrize(
    "changes", [{"port": 0}, {"nmae": "Shop"}, {"demo": "yes"}], ids=["value", "name", "type"]
)
def test_a_bad_change_is_refused_and_nothing_written(home: Home, changes: dict[str, object]):
    home.write_settings(name="Shop")
    with pytest.raises((SettingError, UnknownName)):
        home.write_settings(**changes)
    assert Home(home.path).settings == Settings(name="Shop")


def test_what_the_environment_says_does_not_hide_a_bad_change(
    home: Home, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("ANALYTICSPRO_TIMEZONE", "UTC")
    with pytest.raises(SettingError, match="Mars"):
        home.write_settings(timezone="Mars")
    assert not home.settings_file.exists()


@given(name=st.text(st.characters(exclude_categories=["Cs"])))
def test_any_name_is_written_and_read_back(tmp_path_factory: pytest.TempPathFactory, name: str):
    home = Home(tmp_path_factory.mktemp("named"))
    home.write_settings(name=name)
    assert Home(home.path).settings.name == name


def test_a_token_of_another_account_is_not_read(home: Home):
    if os.geteuid() == 0:
        pytest.skip("not tested: root may read the files of every account")
    home.token_file.chmod(0o000)
    with pytest.raises(SettingError, match="belongs to another account"):
        home.token()
