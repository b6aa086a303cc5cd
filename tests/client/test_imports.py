"""What a notebook imports costs next to nothing: no engine, no model library, no charts."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.api.server import environment

HEAVY = {
    "alembic", "altair", "anyio", "cryptography", "duckdb", "fastapi", "httpx", "jsonschema",
    "nbformat", "numpy", "pandas", "psycopg", "pyarrow", "pydantic", "sqlalchemy", "sqlglot",
    "starlette", "uvicorn",
}  # fmt: skip


def loaded_by(statement: str) -> set[str]:
    """Return the top-level modules that a fresh process has loaded after `statement`."""
    done = subprocess.run(
        [sys.executable, "-c", f"{statement}\nimport json, sys; print(json.dumps([*sys.modules]))"],
        env=environment(),
        check=True,
        capture_output=True,
        text=True,
    )
    return {name.partition(".")[0] for name in json.loads(done.stdout)}


def test_the_library_by_itself_loads_nothing_at_all():
    loaded = loaded_by("import analyticspro")
    assert loaded & {*HEAVY, "polars", "jinja2", "click"} == set()


@pytest.mark.parametrize(
    "statement",
    [
        "import analyticspro as ap; ap.connect",
        "import analyticspro as ap; ap.Client",
        "import analyticspro.client.client, analyticspro.client.remote, analyticspro.client.local",
        "from analyticspro.client import *",
        "from analyticspro.metrics import Query; Query.of('revenue', grain='month')",
    ],
)
def test_a_client_loads_no_engine(statement: str):
    loaded = loaded_by(statement)
    assert loaded & HEAVY == set()
    assert "polars" in loaded


def test_asking_a_running_api_loads_none_either():
    asking = """
from analyticspro.client import Remote
from analyticspro.errors import ServiceUnavailable
from analyticspro.metrics import Query
try:
    Remote("http://127.0.0.1:9", "token").answers([Query.of("revenue")])
except ServiceUnavailable:
    pass
"""
    assert loaded_by(asking) & HEAVY == set()
