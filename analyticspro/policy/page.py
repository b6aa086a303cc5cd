"""The documentation page about who may do what, made from the table."""

from __future__ import annotations

from collections.abc import Iterator

from analyticspro.policy.table import PERMISSIONS, Permission, Role, menu_of

__all__ = ["markdown"]

_INTRODUCTION = """\
# Who may do what

Made from the table in `analyticspro/policy/table.py` by
`python -m analyticspro.policy > docs/permissions.md`; a test compares.

Everybody has one of four roles. What names no capability of this table is refused.
Whoever signs up is a viewer until an admin says otherwise.
"""

_NOTES = """\
An API key has a chosen part of its owner's scopes. `ingest` is held by admins to be given to
keys; a person's own session cannot ingest. A person without the `servers` scopes gets no
JupyterLab server, neither by a page nor by the hub's API.
"""


def markdown() -> str:
    """Return the whole page."""
    return "\n".join([_INTRODUCTION, *_table(), "", _NOTES, "## Menus", "", *_menus(), ""])


def _table() -> Iterator[str]:
    yield f"| capability | scope | {' | '.join(Role)} |"
    yield f"| --- | --- |{' --- |' * len(Role)}"
    for row in PERMISSIONS:
        yield _line(row)


def _line(row: Permission) -> str:
    scopes = ", ".join(f"`{scope}`" for scope in row.scopes)
    marks = (" x |" if role in row.roles else " |" for role in Role)
    return f"| {row.title} | {scopes} |{''.join(marks)}"


def _menus() -> Iterator[str]:
    for role in Role:
        yield f"- {role}: {', '.join(entry.title for entry in menu_of(role))}"
