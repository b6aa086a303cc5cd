"""`--help` teaches, and says nothing that is not so."""

from __future__ import annotations

import importlib.metadata
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from analyticspro.cli import main
from analyticspro.config import Home
from tests.cli.terminal import run


def commands(group: click.Group = main, *path: str) -> Iterator[tuple[str, ...]]:
    for name, command in group.commands.items():
        yield (*path, name)
        if isinstance(command, click.Group):
            yield from commands(command, *path, name)


COMMANDS = [(), *commands()]
EXAMPLE = re.compile(r"^ +(analyticspro (?!query METRICS).+?)(?:  +.*)?$", re.MULTILINE)


def help_of(path: tuple[str, ...]) -> str:
    """Return the help as the terminal shows it."""
    context = click.Context(main, info_name="analyticspro")
    command: click.Command = main
    for name in path:
        assert isinstance(command, click.Group)
        command = command.commands[name]
        context = click.Context(command, parent=context, info_name=name)
    return command.get_help(context)


def test_every_command_is_known_here():
    assert {" ".join(path) for path in COMMANDS} == {
        "", "alerts", "alerts ack", "alerts assign", "alerts backtest", "alerts comment",
        "alerts export", "alerts import", "alerts list", "alerts resolve", "alerts rules",
        "alerts show", "alerts silence", "alerts snooze", "alerts test", "archive",
        "archive verify", "audit", "audit list", "audit verify",
        "backup", "demo", "doctor", "down", "erase", "keys",
        "keys create", "keys list", "keys revoke", "link", "mails", "mails list", "mails resend",
        "metrics", "people", "people approve", "people invite", "people list", "people remove",
        "people reset", "people role", "policies", "policies explain", "policies grant",
        "policies list", "policies withdraw", "query",
        "report", "restore", "schedules", "schedules backfill",
        "schedules history", "schedules list", "schedules pause", "schedules resume",
        "schedules run", "schema", "schema block", "schema check", "schema demote",
        "schema promote", "schema show", "schema tag", "schema unblock", "schema untag",
        "secrets", "secrets list", "secrets remove", "secrets rotate-key", "secrets set",
        "sources", "sources backfill", "sources check", "sources history", "sources ledger",
        "sources pause", "sources preview", "sources rejects", "sources replay",
        "sources resume", "sources status", "sources sync", "sql", "status", "up", "verify",
        "units",
    }  # fmt: skip


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
class TestHelp:
    def test_says_what_it_does_and_what_each_option_is_for(self, path: tuple[str, ...]):
        text = help_of(path)
        assert re.search(r"^  [A-Z].+[.:]", text, re.MULTILINE)
        for line in text.partition("Options:")[2].splitlines():
            assert not re.fullmatch(r"  -\S+( \S+)?", line), f"{line} is not explained"

    def test_is_not_cut_short(self, path: tuple[str, ...]):
        """The list of commands says each in a whole sentence."""
        commands_listed = help_of(path).partition("Commands:")[2]
        assert "..." not in commands_listed

    def test_its_examples_are_commands_that_there_are(self, path: tuple[str, ...]):
        for example in EXAMPLE.findall(help_of(path)):
            parse(example)


def parse(example: str) -> None:
    """Parse an example down to its command's own options; raises click.UsageError."""
    words = shlex.split(example)[1:]
    words = words[2:] if words[0] == "--home" else words
    command: click.Command = main
    while isinstance(command, click.Group):
        command, words = command.commands[words[0]], words[1:]
    command.make_context("example", words)


@pytest.mark.parametrize(
    "path", [(), ("query",), ("report",), ("up",), ("sources", "sync"), ("sources", "check")]
)
def test_where_it_helps_there_is_an_example(path: tuple[str, ...]):
    assert EXAMPLE.findall(help_of(path))


def test_the_examples_of_query_work(shop_home: Home):
    examples = EXAMPLE.findall(help_of(("query",)))
    assert len(examples) == 3
    for example in examples:
        done = run(*shlex.split(example)[1:], home=shop_home.path)
        assert done.code == 0, done.err


@pytest.mark.parametrize("option", ["-h", "--help"])
def test_help_is_a_result(option: str, tmp_path: Path):
    done = run("query", option, home=tmp_path / "none")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("Usage: analyticspro query")
    assert not (tmp_path / "none").exists()


def test_without_a_word_it_explains_itself():
    done = run()
    assert "Usage: analyticspro" in done.out + done.err


def test_it_knows_its_version():
    try:
        version = importlib.metadata.version("analyticspro")
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("analyticspro is not installed here, so it has no version: make install")
    assert run("--version").out == f"analyticspro, version {version}\n"
