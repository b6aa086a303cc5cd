"""What is kept from one question to the next never outlives the data it was about."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from analyticspro.config import Home
from analyticspro.connectors.batch import REJECTS
from analyticspro.metrics import Answer, Query
from analyticspro.policy import OWNER
from analyticspro.warehouse import Cursor, Warehouse
from analyticspro.workspace import Workspace
from tests.metrics.shop import EVENTS, PLACED, at, frame, told


def asked(workspace: Workspace, *metrics: str) -> Answer:
    [answer] = workspace.answers([Query.of(*metrics)], OWNER)
    assert isinstance(answer, Answer)
    return answer


def test_a_question_in_the_midst_of_a_sync_leaves_nothing_stale_behind(tmp_path: Path):
    """The end of a sync is noted after its last commit, without a revision of its own."""
    home = Home(tmp_path).prepare()
    warehouse = Warehouse.open(home.warehouse_file, backups=tmp_path / "backups")
    workspace = Workspace(home, warehouse)
    now = at("2024-05-01")
    bad = pl.DataFrame([{"line": 7, "reason": "is no number"}], schema=REJECTS)
    try:
        with warehouse.writer() as writer:
            with writer.commit(now):
                kept = writer.store("till", "p", frame(EVENTS), received_at=now, watermark=None)
                writer.set_aside("till", "p", bad)
                writer.finish_part(
                    "till", "p", seen=kept.seqs, rejects=bad, cursor=Cursor("", 0, 0)
                )
            in_the_midst = asked(workspace, "orders").provenance
            writer.note_source("till", declaration="{}", synced_at=now, outcome="{}")
        after = asked(workspace, "orders").provenance
    finally:
        warehouse.close()
    assert in_the_midst["revision"] == after["revision"]
    assert (in_the_midst["rejected"], after["rejected"]) == (0, 1)


def test_a_new_commit_is_seen_by_the_next_question(tmp_path: Path):
    home = Home(tmp_path).prepare()
    warehouse = Warehouse.open(home.warehouse_file, backups=tmp_path / "backups")
    workspace = Workspace(home, warehouse)
    now = at("2024-05-01")
    try:
        assert asked(workspace, "orders").frame.rows() == [(0,)]
        for number in (1, 2):
            day = f"2024-04-0{number}"
            order = told(day, PLACED, "1.00", order=day, id=day)
            with warehouse.writer() as writer, writer.commit(now):
                writer.store("till", day, frame([order]), received_at=now, watermark=None)
            assert asked(workspace, "orders").frame.rows() == [(number,)]
            assert (
                asked(workspace, "orders").provenance["period"]["end"][:10]
                == f"2024-04-0{number + 1}"
            )
    finally:
        warehouse.close()
