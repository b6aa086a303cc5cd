"""`analyticspro alerts rules|import|export|test|list|show|backtest`."""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from analyticspro import clock
from analyticspro.cli import output
from analyticspro.cli.root import Place, form_option, group, with_place
from analyticspro.client import reach
from analyticspro.errors import DefinitionError, UnknownName
from analyticspro.period import to_wall

if TYPE_CHECKING:
    from analyticspro.alerts import Rule
    from analyticspro.alerts.book import AlertBook

_FILE = click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
_PERIOD = click.option(
    "--period", default="last-30-days", show_default=True, metavar="PERIOD", help="As in queries."
)

__all__ = ["alerts", "opened"]


@group.group()
def alerts() -> None:
    """Rules over figures, and the alerts that come of them.

    A rule says which metric is watched for what; `alerts import alerts.toml` takes rules in, and
    the api judges them after each commit. The services must be running for anything to fire.
    """


@alerts.command()
@form_option
@with_place
def rules(place: Place, *, form: str) -> None:
    """Show the rules, and what each waits for."""
    with opened(place) as book:
        found = book.rules()
    if form == "json":
        told = [rule.plain() | {"version": row.version, **row.progress} for row, rule in found]
        output.print_json(told)
        return
    if not found:
        output.say("None yet. 'analyticspro alerts import FILE' takes rules in.")
        return
    output.table(
        ["rule", "watches", "severity", "version", "state"],
        [
            [
                rule.name,
                _watched(rule),
                rule.severity,
                str(row.version),
                "paused" if rule.paused else _progress(row.progress),
            ]
            for row, rule in found
        ],
        right={3},
    )


@alerts.command("import")
@_FILE
@click.option("--prune", is_flag=True, help="Remove the rules that are not in the file.")
@with_place
def take_in(place: Place, *, file: Path, prune: bool) -> None:
    """Take in the rules of a file, all or none."""
    wanted = _read(file)
    with opened(place) as book:
        done = book.put(wanted, who=getpass.getuser(), now=clock.now(), prune=prune)
    told = (f"{len(names)} {kind}" for kind, names in vars(done).items() if names)
    output.say(f"{', '.join(told) or 'Nothing to do'}.")


@alerts.command()
@with_place
def export(place: Place) -> None:
    """Write all rules as alerts.toml, on stdout."""
    from analyticspro.alerts import write_rules

    with opened(place) as book:
        click.echo(write_rules(rule for _, rule in book.rules()), nl=False)


@alerts.command()
@_FILE
@_PERIOD
@with_place
def test(place: Place, *, file: Path, period: str) -> None:
    """Check a file of rules, and count what would have fired.

    Nothing is changed.
    """
    rows = []
    for rule in _read(file):
        try:
            told = reach(place.home).backtest(rule.plain(), period, as_known=False)
            active = str(timedelta(seconds=told["active"]))
            rows.append([rule.name, str(len(told["firings"])), active, "right"])
        except DefinitionError as error:
            rows.append([rule.name, "—", "—", str(error)])
    output.table(["rule", "times", "active for", "what"], rows, right={1, 2})


@alerts.command("list")
@click.option("--all", "is_all", is_flag=True, help="Also those that are resolved.")
@form_option
@with_place
def list_all(place: Place, *, is_all: bool, form: str) -> None:
    """Show the alerts that are not resolved."""
    from analyticspro.state import AlertState

    states = list(AlertState) if is_all else [AlertState.OPEN, AlertState.ACKNOWLEDGED]
    with opened(place) as book:
        found = book.alerts(states, limit=1_000)
    if form == "json":
        output.print_json([vars(each) for each in found])
        return
    zone = place.home.settings.zone
    output.table(
        ["number", "rule", "series", "severity", "state", "fired", "value", "assignee"],
        [
            [
                str(each.id),
                each.rule,
                each.series,
                each.severity,
                each.state,
                f"{to_wall(each.fired_at, zone):%Y-%m-%d %H:%M}",
                "—" if each.value is None else f"{each.value:,g}",
                each.assignee or "—",
            ]
            for each in found
        ],
        right={0, 6},
    )


@alerts.command()
@click.argument("number", type=int)
@form_option
@with_place
def show(place: Place, *, number: int, form: str) -> None:
    """Show an alert, its numbers and its log."""
    with opened(place) as book:
        alert, log = book.show(number)
    if form == "json":
        output.print_json(vars(alert) | {"log": [vars(entry) for entry in log]})
        return
    rows = [(key, value) for key, value in alert.evidence.items() if key != "rule"]
    output.table(
        ["what", "value"],
        [["rule", alert.rule], ["series", alert.series], ["state", alert.state]]
        + [[key, str(value)] for key, value in rows],
        right=set(),
    )
    zone = place.home.settings.zone
    for entry in log:
        detail = ", ".join(f"{key} {value}" for key, value in entry.detail.items())
        at = f"{to_wall(entry.at, zone):%Y-%m-%d %H:%M:%S}"
        output.say(output.printable(f"{at}  {entry.who}: {entry.action} {detail}".rstrip()))


@alerts.command()
@click.argument("name")
@_PERIOD
@click.option("--file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Where.")
@click.option("--as-known", is_flag=True, help="By what was known then; up to 500 buckets.")
@form_option
@with_place
def backtest(
    place: Place, *, name: str, period: str, file: Path | None, as_known: bool, form: str
) -> None:
    """Show when a rule would have fired, and for how long.

    A stored rule, or one of a file that nobody has taken in yet.
    """
    if file is None:
        with opened(place) as book:
            known = {rule.name: rule for _, rule in book.rules()}
    else:
        known = {rule.name: rule for rule in _read(file)}
    if name not in known:
        raise UnknownName.of("rule", name, known)
    told = reach(place.home).backtest(known[name].plain(), period, as_known=as_known)
    if form == "json":
        output.print_json(told)
        return
    output.table(
        ["fired", "resolved", "series", "value"],
        [
            [each["fired_at"], each["resolved_at"] or "—", each["series"], f"{each['value']}"]
            for each in told["firings"]
        ],
        right={3},
    )
    active = timedelta(seconds=told["active"])
    output.say(
        f"{len(told['firings'])} time(s) in {told['buckets']:,} bucket(s) of {told['series']} "
        f"series, active for {active}; {told['notices']} notice(s)."
    )
    for note in told["notes"]:
        output.say(note)


@contextmanager
def opened(place: Place) -> Iterator[AlertBook]:
    """Give the rules and alerts of a workspace."""
    # SQLAlchemy takes a third of a second, which no other command has to wait for.
    from analyticspro.alerts.book import AlertBook
    from analyticspro.state import State

    place.home.prepare()
    with State.open(place.home.state_address) as state:
        yield AlertBook(state)


def _read(file: Path) -> tuple[Rule, ...]:
    from analyticspro.alerts import read_rules

    try:
        text = file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise DefinitionError(f"{file} is not UTF-8 text.") from None
    return read_rules(text)


def _watched(rule: Rule) -> str:
    when = rule.plain()["when"]
    limits = ", ".join(f"{key} {value}" for key, value in when.items() if key != "kind")
    by = f" by {', '.join(rule.by)}" if rule.by else ""
    of = "" if rule.metric is None else f"{rule.metric}{by} per {rule.grain}: "
    return f"{of}{when['kind']} {limits}".rstrip()


def _progress(progress: dict[str, Any]) -> str:
    return str(progress.get("problem") or progress.get("waiting") or "judged")
