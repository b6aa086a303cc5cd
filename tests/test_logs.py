"""A line is one JSON object, whatever is in it; files stay small and private."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest

from analyticspro import logs
from analyticspro.config import Home

SECRET = "sk_live_4eC39HqLyjWDarjtT1zdp7dc"


def lines(home: Home, service: str = "api") -> list[dict[str, Any]]:
    """Return what was logged, each line parsed by itself."""
    text = logs.log_file(home, service).read_text(encoding="utf-8")
    assert text.endswith("\n")
    return [json.loads(line) for line in text.split("\n")[:-1]]


def test_a_line_says_when_what_and_under_which_request(home: Home):
    with logs.writing(home, "api"):
        logs.info("started", port=8751)
        logs.request_id.set("abc")
        logs.warning("slow", seconds=1.5, service="another")
        logs.request_id.set(None)
    first, second = lines(home)
    assert first.pop("at").endswith("+00:00")
    assert first == {"level": "info", "service": "api", "event": "started", "port": 8751}
    assert second.pop("at") > "2026"
    assert second == {
        "level": "warning",
        "service": "api",  # which no field can change
        "event": "slow",
        "request_id": "abc",
        "seconds": 1.5,
    }


def test_a_failure_tells_the_way_it_took(home: Home):
    with logs.writing(home, "api", hidden=[SECRET]):
        try:
            int(SECRET)
        except ValueError as error:
            logs.error("failed", error, route="/v1/query")
    [line] = lines(home)
    assert line["level"] == "error"
    assert line["route"] == "/v1/query"
    assert "test_logs.py" in line["traceback"]
    assert (
        line["traceback"]
        .rstrip()
        .endswith("ValueError: invalid literal for int() with base 10: '•••'")
    )


@pytest.mark.parametrize(
    "text",
    ['"}\n{"event": "forged"}', "\r\n", "\x1b[2J", "\u2028", "\0", "half \ud800", "é€😀", "\x85"],
    ids=ascii,
)
def test_whatever_is_logged_is_one_line(home: Home, text: str):
    with logs.writing(home, "api"):
        logs.info(text, **{text: text})
        logs.info("next")
    first, second = lines(home)
    assert second["event"] == "next"
    assert "half" in text or (first["event"], first[text]) == (text, text)


def test_what_is_no_json_is_logged_as_text(home: Home):
    with logs.writing(home, "api"):
        logs.info("odd", path=Path("a/b"), error=ValueError("x"), many={1: Path("c")})
    [line] = lines(home)
    assert (line["path"], line["error"], line["many"]) == ("a/b", "x", {"1": "c"})


def test_a_long_text_loses_its_middle(home: Home):
    with logs.writing(home, "api"):
        logs.info("long", text=f"start{'x' * 100_000}end")
    [line] = lines(home)
    assert len(line["text"]) < 20_000
    assert line["text"].startswith("start")
    assert line["text"].endswith("end")


def test_a_secret_is_struck_out_wherever_it_is(home: Home):
    with logs.writing(home, "api", hidden=[SECRET, ""]):
        logs.info(SECRET, value=SECRET, **{SECRET: [{"deep": f"Bearer {SECRET}"}]})
    assert SECRET not in logs.log_file(home, "api").read_text()
    assert lines(home)[0]["value"] == "•••"


def test_files_stay_small_and_private(home: Home):
    with logs.writing(home, "api", largest_file=2_000):
        for number in range(200):
            logs.info("counted", number=number)
    files = sorted(logs.log_file(home, "api").parent.iterdir())
    assert [file.name for file in files] == ["api.jsonl", *(f"api.jsonl.{n}" for n in range(1, 6))]
    assert all(file.stat().st_size <= 2_000 for file in files)
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    assert lines(home)[-1]["number"] == 199


def test_it_goes_on_from_what_is_there(home: Home):
    for number in range(2):
        with logs.writing(home, "api"):
            logs.info("started", number=number)
    assert [line["number"] for line in lines(home)] == [0, 1]


def test_a_line_that_was_cut_short_does_not_spoil_the_next(home: Home):
    logs.log_file(home, "api").write_text('{"event": "torn')
    with logs.writing(home, "api"):
        logs.info("whole")
    torn, whole = logs.log_file(home, "api").read_text().splitlines()
    assert torn == '{"event": "torn'
    assert json.loads(whole)["event"] == "whole"


def test_a_full_disk_is_told_once_and_fails_nothing(home: Home, capfd: pytest.CaptureFixture[str]):
    logs.log_file(home, "api").symlink_to("/dev/full")
    with logs.writing(home, "api"):
        for number in range(5):
            logs.info("counted", number=number)
    told = capfd.readouterr().err
    assert told.count("cannot be written") == 1
    assert "No space left on device" in told


def test_a_folder_that_is_gone_fails_nothing(home: Home, capfd: pytest.CaptureFixture[str]):
    (home.path / "logs").rmdir()
    with logs.writing(home, "api"):
        logs.info("lost")
        (home.path / "logs").mkdir()
        logs.info("kept")
    assert [line["event"] for line in lines(home)] == ["kept"]
    assert capfd.readouterr().err.count("cannot be written") == 1


def test_nobody_logs_who_was_not_asked_to(home: Home, capfd: pytest.CaptureFixture[str]):
    level = logging.getLogger("analyticspro").level
    with logs.writing(home, "api"):
        pass
    logs.warning("unheard")
    assert not logs.log_file(home, "api").exists()
    assert logging.getLogger("analyticspro").level == level
    assert capfd.readouterr().err == ""
