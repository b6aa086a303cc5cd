"""Rules as code: the file `alerts.toml`, read and written."""

from __future__ import annotations

import json
import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from analyticspro.alerts.rule import Rule
from analyticspro.errors import DefinitionError

__all__ = ["read_rules", "write_rules"]


def read_rules(text: str) -> tuple[Rule, ...]:
    """Return the rules that the text of a file tells, in its order.

    Raises:
        DefinitionError: It is no TOML, holds something else, or a rule is wrong; of several, the
            first is named.
    """
    try:
        told = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise DefinitionError(f"The rules are not TOML: {error}.") from None
    tables = told.pop("rules", [])
    if told:
        raise DefinitionError(
            f"The file of rules has {sorted(told)[0]!r}, which is not known. "
            "Begin each rule with a line [[rules]]."
        )
    if not isinstance(tables, list):
        raise DefinitionError("rules is no list. Begin each rule with a line [[rules]].")
    rules = tuple(map(Rule.parse, tables))
    for name, count in Counter(rule.name for rule in rules).items():
        if count > 1:
            raise DefinitionError(f"Two rules are called {name!r}. Call one of them otherwise.")
    return rules


def write_rules(rules: Iterable[Rule]) -> str:
    """Return the text of a file that `read_rules` reads the same rules from, by name."""
    return "\n".join(_table(rule.plain()) for rule in sorted(rules, key=lambda rule: rule.name))


def _table(told: Mapping[str, Any]) -> str:
    lines = [f"{name} = {_value(value)}" for name, value in told.items() if name != "when"]
    when = [f"{name} = {_value(value)}" for name, value in told["when"].items()]
    return "\n".join(["[[rules]]", *lines, "[rules.when]", *when, ""])


def _value(value: Any) -> str:
    match value:
        case str():
            # JSON's texts are TOML's, but for this one character.
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007F")
        case bool():
            return "true" if value else "false"
        case list() | tuple():
            return f"[{', '.join(map(_value, value))}]"
        case dict():
            inner = ", ".join(f"{name} = {_value(each)}" for name, each in value.items())
            return f"{{ {inner} }}"
        case _:
            return repr(value)
