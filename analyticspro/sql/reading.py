"""Goes through what DuckDB itself reads in a statement, and refuses what it does not know.

sqlglot's understanding of a text and DuckDB's may differ, and only DuckDB's counts. This is
given the tree that DuckDB's parser makes of the very text that is to run.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from analyticspro.errors import DefinitionError, Forbidden
from analyticspro.sql.functions import FUNCTIONS, TABLE_FUNCTIONS
from analyticspro.sql.statement import MOST_GROUPINGS, VIEWS, too_deep, too_many_groupings

__all__ = ["check"]

_NODES = frozenset("SELECT_NODE SET_OPERATION_NODE RECURSIVE_CTE_NODE CTE_NODE".split())
_TABLES = frozenset("BASE_TABLE SUBQUERY JOIN TABLE_FUNCTION EMPTY EXPRESSION_LIST".split())
_PARTS = frozenset(
    """ORDER_MODIFIER LIMIT_MODIFIER LIMIT_PERCENT_MODIFIER DISTINCT_MODIFIER ORDER_DEFAULT
    ASCENDING DESCENDING ORDER_ASCENDING ORDER_DESCENDING""".split()
)
_EXPRESSIONS = frozenset(
    """BETWEEN CASE CAST COLLATE COLUMN_REF COMPARISON CONJUNCTION CONSTANT FUNCTION LAMBDA
    OPERATOR PARAMETER POSITIONAL_REFERENCE STAR SUBQUERY TYPE WINDOW""".split()
)
# Where there is no such column, DuckDB takes these words for functions.
_WORDS = frozenset(
    """current_catalog current_database current_query current_role current_schema current_user
    session_user user""".split()
)
_NO_PARTS = frozenset(("cte_map", "cast_type", "literal", "value"))  # names and numbers
_CTE_PARTS = ("query", "query_node", "key_targets", "payload_aggregates")
_MOST_TABLES = 60
_WEIGHTS = {VIEWS["sessions"]: 4}  # of views that read several tables
_GOVERNED = frozenset(("temp", "main", name) for name in VIEWS.values())


def check(tree: dict[str, Any]) -> None:
    """Raise unless `tree`, as `json_serialize_sql` gives it, is one query on governed views.

    Raises:
        DefinitionError: DuckDB cannot read it.
        Forbidden: It is more than a query, or reads or calls what it may not.
    """
    if tree["error"]:
        told = str(tree.get("error_message", "")).splitlines() or [""]
        raise DefinitionError(f"The statement cannot be read: {told[0]}")
    if len(tree["statements"]) != 1:
        raise DefinitionError("These are several statements. Send one at a time.")
    try:
        tables = _tables(tree["statements"][0], {})
    except RecursionError:
        raise too_deep() from None
    if tables > _MOST_TABLES:
        raise DefinitionError(
            f"The statement reads more than {_MOST_TABLES} tables, each part counted as often as "
            "it is used. Ask in several steps."
        )


def _tables(node: Any, visible: Mapping[str, int]) -> int:
    """Return how many tables are read, those of a common table expression at each use of it.

    Planning grows with that, and DuckDB cannot be interrupted while it plans.

    Args:
        node: A part of the tree.
        visible: The common table expressions in sight, and how many tables each reads.
    """
    if isinstance(node, list):
        return sum(_tables(each, visible) for each in node)
    if not isinstance(node, dict):
        return 0
    found = 0
    if "cte_map" in node:
        visible = dict(visible)
        for cte in node["cte_map"]["map"]:
            visible[cte["key"].lower()] = one = _tables_of_cte(cte, visible)
            found += one
    if len(node.get("group_sets") or ()) > MOST_GROUPINGS:
        raise too_many_groupings()
    if node.get("type") in ("RECURSIVE_CTE_NODE", "CTE_NODE"):
        visible = {**visible, node["cte_name"].lower(): 1}
    if "class" in node:
        _allow(node["class"], _EXPRESSIONS)
        _see_expression(node)
    elif isinstance(node.get("type"), str) and "id" not in node:
        _allow(node["type"], _NODES | _TABLES | _PARTS)
        found += _see_table(node, visible)
    return found + sum(
        _tables(each, visible) for name, each in node.items() if name not in _NO_PARTS
    )


def _tables_of_cte(cte: dict[str, Any], visible: Mapping[str, int]) -> int:
    # In DuckDB 1.5 the query stands one level deeper.
    return sum(_tables(cte["value"].get(part), visible) for part in _CTE_PARTS)


def _allow(what: str, known: frozenset[str]) -> None:
    if what not in known:
        raise Forbidden(f"{what} may not be in a query here. Write it in another way.")


def _see_expression(node: dict[str, Any]) -> None:
    if node["class"] in ("FUNCTION", "WINDOW"):
        _allow_function(node, FUNCTIONS | TABLE_FUNCTIONS)
    elif node["class"] == "COLUMN_REF":
        [*qualifiers, name] = node["column_names"]
        if not qualifiers and name.lower() in _WORDS:
            raise Forbidden(f"{name!r} tells of the service. It may not be asked.")


def _see_table(node: dict[str, Any], visible: Mapping[str, int]) -> int:
    if node["type"] == "BASE_TABLE":
        path = tuple(
            part.lower()
            for part in (node["catalog_name"], node["schema_name"], node["table_name"])
            if part
        )
        is_cte = len(path) == 1 and path[0] in visible
        if (not is_cte and path not in _GOVERNED) or node.get("at_clause"):
            raise Forbidden(f"{'.'.join(path)!r} may not be read. Views: {', '.join(VIEWS)}.")
        return visible[path[0]] if is_cte else _WEIGHTS.get(path[-1], 1)
    if node["type"] == "TABLE_FUNCTION":
        if node["function"].get("class") != "FUNCTION":
            raise Forbidden("What is no function may not stand for a table.")
        _allow_function(node["function"], TABLE_FUNCTIONS)
        return 1
    return 0


def _allow_function(node: dict[str, Any], known: frozenset[str]) -> None:
    name = node["function_name"].lower()
    if name not in known or node.get("schema") or node.get("catalog"):
        raise Forbidden(
            f"The function {name!r} may not be called. docs/sql.md lists those that may."
        )
