"""docs/metrics.md says what the catalogue says."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

from analyticspro.metrics import catalog

ROOT = Path(__file__).parents[2]


def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("metrics_page", ROOT / "scripts" / "metrics.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_what_the_script_makes_of_the_catalogue():
    """If not: .venv/bin/python scripts/metrics.py."""
    assert (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8") == script().page()


def test_it_has_every_metric_with_its_meaning_and_every_dimension():
    page = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
    for metric in catalog.METRICS.values():
        assert f"`{metric.name}` · " in page
        assert metric.meaning in page
    assert all(f"| `{name}` |" in page for name in catalog.DIMENSIONS)
