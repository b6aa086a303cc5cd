"""Reads a statement with sqlglot, binds its tables to the governed views, writes it anew."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlglot
from sqlglot import Token, TokenType, exp
from sqlglot.dialects.duckdb import DuckDB
from sqlglot.errors import SqlglotError

from analyticspro.errors import DefinitionError, Forbidden, UnknownName
from analyticspro.sql.functions import FUNCTIONS, TABLE_FUNCTIONS

__all__ = ["MOST_GROUPINGS", "VIEWS", "parsed", "regenerated", "too_deep", "too_many_groupings"]

VIEWS = {name: f"governed_{name}" for name in ("events", "sessions", "customers")}


class _Exact(DuckDB):
    """DuckDB's SQL with the paths of JSON as they are written.

    sqlglot's own takes the key in `properties->>'a.b'` for the path `$.a.b`.
    """

    def to_json_path(self, path: exp.Expr | None) -> exp.Expr | None:
        return path


_DIALECT = _Exact()
_LONGEST = 20_000
_DEEPEST = 24  # brackets: sqlglot tries readings of each, and the tries multiply
MOST_GROUPINGS = 64
# DuckDB and sqlglot differ in what these bind stronger than: `a ^@ b || c`.
_BINDING_OTHERWISE = frozenset("^@ @> <@ && <-> <=> ~~ !~~ ~~* !~~* ~~~ !~".split())
_OPENING = {TokenType.L_PAREN, TokenType.L_BRACKET, TokenType.L_BRACE}
_CLOSING = {TokenType.R_PAREN, TokenType.R_BRACKET, TokenType.R_BRACE}
# What sqlglot raises of odd texts beside its own errors.
_UNREADABLE = (SqlglotError, AttributeError, IndexError, KeyError, TypeError, ValueError)
_READING = (exp.Select, exp.SetOperation, exp.Subquery)
_REFUSED = (
    exp.Command,
    exp.DDL,
    exp.DML,
    exp.Attach,
    exp.Copy,
    exp.Describe,
    exp.Detach,
    exp.Drop,
    exp.Into,
    exp.Lock,
    exp.Pragma,
    exp.Set,
    exp.Summarize,
    exp.Use,
)


def regenerated(text: str, values: Mapping[str, Any]) -> str:
    """Return the statement that DuckDB is given for `text`: its own text, never that given.

    Args:
        text: One SELECT or WITH in DuckDB's SQL; `$name` stands for `values["name"]`.
        values: What is bound; just those that the statement names.

    Raises:
        DefinitionError: It cannot be read, is several, too long or too deep; or a value is
            missing or is not asked for.
        UnknownName: A table that is none of `VIEWS`.
        Forbidden: It is no query, or calls what it may not.
    """
    tree = parsed(text)
    try:
        for node in tree.walk():
            _refuse_what_is_none(node)
        _bind(tree, frozenset())
        _compare(tree, values)
        return tree.sql(dialect=_DIALECT, comments=False)
    except _UNREADABLE as error:
        raise DefinitionError(f"The statement cannot be read: {_short(error)}") from None
    except RecursionError:
        raise too_deep() from None


def parsed(text: str) -> exp.Expression:
    """Return the one query that `text` is; raises as `regenerated` does."""
    if len(text) > _LONGEST or "\0" in text:
        raise DefinitionError(
            f"The statement has {len(text):,} characters. Up to {_LONGEST:,} are read, none of "
            "them NUL; put long lists into values."
        )
    try:
        tokens = sqlglot.tokenize(text, read=_DIALECT)
        _look_at(tokens)
        found = [tree for tree in sqlglot.parse(text, read=_DIALECT) if tree is not None]
    except _UNREADABLE as error:
        raise DefinitionError(f"The statement cannot be read: {_short(error)}") from None
    except RecursionError:
        raise too_deep() from None
    if len(found) != 1:
        raise DefinitionError(f"These are {len(found)} statements. Send one at a time.")
    tree = found[0]
    if not isinstance(tree, _READING):
        raise Forbidden(
            f"{tree.key.upper()} is no query. Only SELECT and WITH … SELECT are run here."
        )
    return tree


def _look_at(tokens: list[Token]) -> None:
    depth, before = 0, None
    for token in tokens:
        depth += (token.token_type in _OPENING) - (token.token_type in _CLOSING)
        if depth > _DEEPEST:
            raise too_deep()
        is_number = before is not None and before.token_type == TokenType.NUMBER
        if before and is_number and token.start == before.end + 1 and token.text[:1].isalpha():
            # To sqlglot `0x1F` is a zero that is called x1F.
            raise DefinitionError(f"The number {before.text + token.text!r} cannot be read.")
        if token.text in _BINDING_OTHERWISE:
            raise DefinitionError(
                f"The operator {token.text} cannot be read for sure. Call its function instead, as "
                "starts_with(a, b), list_has_all(a, b) or a LIKE b."
            )
        before = token


def _refuse_what_is_none(node: exp.Expr) -> None:
    if isinstance(node, _REFUSED):
        raise Forbidden(f"{node.key.upper()} may not be in a query. Only reading is run here.")
    if isinstance(node, exp.Group) and _groupings(node) > MOST_GROUPINGS:
        raise too_many_groupings()
    if isinstance(node, exp.Anonymous) and node.name.lower() not in FUNCTIONS | TABLE_FUNCTIONS:
        raise Forbidden(
            f"The function {node.name!r} may not be called. docs/sql.md lists those that may."
        )


def _bind(node: exp.Expr, visible: frozenset[str]) -> None:
    """Have each table be a governed view, unless it is a common table expression in sight."""
    ctes = node.args.get("with_")
    if ctes is not None:
        for cte in ctes.expressions:
            name = cte.alias.lower()
            _bind(cte.this, visible | {name} if ctes.args.get("recursive") else visible)
            visible |= {name}
    for child in list(node.iter_expressions()):
        if child is not ctes:
            _bind(child, visible)
    if isinstance(node, exp.Table):
        _bind_table(node, visible)


def _bind_table(table: exp.Table, visible: frozenset[str]) -> None:
    if not isinstance(table.this, exp.Identifier):
        return  # a function, of which DuckDB's own reading tells the name
    written = ".".join(part.name for part in table.parts)
    name = written.lower()
    if table.args.get("db") is None and name in visible:
        return
    if table.args.get("db") is not None or name not in VIEWS:
        raise UnknownName.of("view", written, VIEWS)
    if not table.alias:
        table.set("alias", exp.TableAlias(this=table.this.copy()))
    table.set("this", exp.to_identifier(VIEWS[name]))
    table.set("db", exp.to_identifier("main"))
    table.set("catalog", exp.to_identifier("temp"))


def _compare(tree: exp.Expression, values: Mapping[str, Any]) -> None:
    """See to it that just those values are given that the statement names."""
    named = {node.name for node in tree.find_all(exp.Parameter, exp.Placeholder)}
    if any(not name or name == "?" or name.isdigit() for name in named):
        raise DefinitionError("Values are bound by name: write $country, not ? or $1.")
    if missing := named - set(values):
        raise DefinitionError(f"No value is given for ${min(missing)}.")
    if extra := set(values) - named:
        raise DefinitionError(f"A value {min(extra)!r} is given, but ${min(extra)} is not there.")


def _groupings(group: exp.Group) -> int:
    """Return in how many ways rows are grouped: a cube of n columns does it in 2 to the n."""
    ways = 1
    for node in group.find_all(exp.Cube, exp.Rollup, exp.GroupingSets):
        size = len(node.expressions)
        ways *= 2 ** min(size, 20) if isinstance(node, exp.Cube) else size + 1
    return ways


def too_many_groupings() -> DefinitionError:
    """Return the error of a GROUP BY that does it in too many ways."""
    return DefinitionError(
        f"The statement groups rows in more than {MOST_GROUPINGS} ways. Name those that matter: "
        "GROUP BY GROUPING SETS (…)."
    )


def too_deep() -> DefinitionError:
    """Return the error of a statement that is nested too deep."""
    return DefinitionError(
        f"The statement is nested too deep: more than {_DEEPEST} brackets in each other. Give "
        "its parts names: WITH part AS (…) SELECT …"
    )


def _short(error: Exception) -> str:
    if not isinstance(error, SqlglotError):
        return "it is no SQL that is known here."
    told = getattr(error, "errors", None) or [{}]
    first = told[0]
    if "description" not in first:
        return str(error).splitlines()[0].rstrip(".") + "."
    near = first.get("highlight") or ""
    place = f" near {near!r}" if near else ""
    return (
        f"line {first['line']}, column {first['col']}{place}: {first['description'].rstrip('.')}."
    )
