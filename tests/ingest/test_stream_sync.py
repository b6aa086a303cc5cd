"""A stream is read page by page: each page is there as a whole, and read on from there."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from analyticspro.errors import RetriableError, Stopped
from analyticspro.ingest import Progress, Report, sync
from analyticspro.policy import OWNER
from tests.ingest.lines import append, declared
from tests.ingest.shop import Shop
from tests.local import NoSecrets

OLD = "2011-11-05T00:00:00Z"


def order(number: int, n: int = 1, **fields: Any) -> dict[str, Any]:
    return {"id": str(number), "at": OLD, "who": "Ann", "paid": "1.00", "n": str(n)} | fields


def visit(number: int, **fields: Any) -> dict[str, Any]:
    return {"id": str(number), "at": OLD, "who": "Ann"} | fields


class Till:
    """A source of two streams, and the warehouse it is synced into."""

    def __init__(self, shop: Shop) -> None:
        self.folder, self.shop = shop.folder, shop
        self.progress: list[Progress] = []

    def put(self, stream: str, *records: dict[str, Any] | str) -> None:
        append(self.folder, stream, *records)

    def mend(self, stream: str) -> None:
        """Take the lines away that are errors."""
        file = self.folder / f"{stream}.jsonl"
        lines = [line for line in file.read_text().splitlines() if not line.startswith("!")]
        file.write_text("".join(f"{line}\n" for line in lines))

    def sync(self, **changes: Any) -> Report:
        return sync(
            declared(self.folder, **changes),
            self.shop.warehouse,
            secrets=NoSecrets(),
            progress=self.progress.append,
        )

    def cursor(self, stream: str) -> str | None:
        with self.shop.warehouse.writer() as writer:
            return writer.stream_cursor("till", stream)

    def ledger(self, columns: str) -> list[tuple[Any, ...]]:
        """Return sums by stream, once what must add up was seen to add up."""
        rows = self.shop.frame("FROM ledger WHERE source IS NOT NULL ORDER BY revision")
        for row in rows.iter_rows(named=True):
            parts = row["new"] + row["changed"] + row["duplicates"] + row["rejected"]
            assert row["seen"] == parts
        sums = ", ".join(f"sum({name})::BIGINT" for name in columns.split())
        return self.shop.frame(
            f"SELECT part, {sums} FROM ledger WHERE source IS NOT NULL GROUP BY ALL ORDER BY ALL"
        ).rows()


@pytest.fixture
def till(shop: Shop) -> Till:
    return Till(shop)


def counts(report: Report) -> dict[str, int]:
    names = "parts read records new changed unchanged conflicts late rejected".split()
    return {name: value for name in names if (value := getattr(report, name))}


def test_the_first_sync_brings_all_the_second_nothing_the_third_what_came(till: Till):
    till.put("orders", *(order(n) for n in range(5)))
    till.put("visits", *(visit(n) for n in range(2)))
    assert counts(till.sync()) == {"parts": 2, "read": 2, "records": 7, "new": 7}
    assert till.cursor("orders") == '{"line": 5}'
    assert counts(till.sync()) == {"parts": 2, "read": 2}
    till.put("orders", order(5))
    assert counts(till.sync()) == {"parts": 2, "read": 2, "records": 1, "new": 1, "late": 1}
    assert till.shop.frame("SELECT count(*) FROM events").rows() == [(8,)]


def test_each_page_is_one_commit_with_its_cursor(till: Till):
    till.put("orders", *(order(n) for n in range(5)))
    till.sync()
    assert till.shop.frame(
        "SELECT revision, new, cursor FROM ledger WHERE part = 'orders' ORDER BY revision"
    ).rows() == [(1, 2, '{"line": 2}'), (2, 2, '{"line": 4}'), (3, 1, '{"line": 5}')]
    assert [step.done for step in till.progress] == [2, 4, 5]


def test_a_stream_that_was_empty_is_read_from_its_start(till: Till):
    assert counts(till.sync()) == {"parts": 2, "read": 2}
    assert till.cursor("orders") is None
    till.put("orders", order(1))
    assert counts(till.sync())["new"] == 1


def test_what_is_read_again_is_told_by_its_ids(till: Till):
    till.put("orders", *(order(n) for n in range(4)))
    till.put("visits", *(visit(n) for n in range(4)))
    till.sync()
    till.put("orders", order(4))
    till.put("visits", visit(4))
    report = till.sync(lookback=3)
    assert counts(report) == {
        "parts": 2, "read": 2, "records": 8, "new": 2, "unchanged": 6, "late": 2,
    }  # fmt: skip
    assert till.ledger("seen new duplicates") == [("orders", 8, 5, 3), ("visits", 8, 5, 3)]


def test_a_higher_version_supersedes_a_lower_one_does_not(till: Till):
    till.put("orders", order(1, 2, paid="2.00"), order(1, 1), order(2, 1), order(2, 3, who="Bob"))
    till.put("orders", order(1, 2, paid="9.00"), order(2, 4, who="Cid"))
    report = till.sync()
    assert counts(report) == {
        "parts": 2, "read": 2, "records": 6, "new": 2, "changed": 1, "unchanged": 3,
    }  # fmt: skip
    assert till.shop.live("event_id, customer_id, amount_minor, version") == [
        ("till:orders:1", "Ann", 200, 2), ("till:orders:2", "Cid", 100, 4),
    ]  # fmt: skip


def test_what_is_appended_stands_and_a_conflict_is_kept_once(till: Till):
    till.put("visits", visit(1), visit(2), visit(1, who="Bob"), visit(1))
    report = till.sync()
    assert counts(report) == {
        "parts": 2, "read": 2, "records": 4, "new": 2, "unchanged": 2, "conflicts": 1,
    }  # fmt: skip
    assert "1 record(s) came again under the same id" in report.notes[0]
    till.put("visits", visit(3))
    assert till.sync(lookback=4).conflicts == 1
    assert till.shop.live("customer_id") == ["Ann", "Ann", "Ann"]
    kept = till.shop.frame("SELECT source, part, event_id, raw FROM conflicts").rows()
    assert [row[:3] for row in kept] == [("till", "visits", "till:visits:1")]
    assert json.loads(kept[0][3])["who"] == "Bob"


def test_two_sources_may_conflict_under_the_same_ids(till: Till):
    till.put("visits", visit(1), visit(1, who="Bob"))
    for name in ("till", "shop"):
        assert till.sync(name=name).conflicts == 1
    assert till.shop.frame("SELECT source FROM conflicts ORDER BY ALL").rows() == [
        ("shop",), ("till",),
    ]  # fmt: skip


def test_a_bad_record_is_set_aside_once_and_the_cursor_goes_on(till: Till):
    till.put("visits", visit(1), visit(2, at="soon"), visit(3))
    assert counts(till.sync())["rejected"] == 1
    till.put("visits", visit(4))
    assert counts(till.sync(lookback=3))["rejected"] == 1
    with till.shop.warehouse.reader(OWNER) as reader:
        [reject] = reader.rejects("till", limit=10).to_dicts()
    assert (reject["part"], reject["field"], reject["value"]) == ("visits", "at", "soon")
    assert till.ledger("seen new rejected duplicates")[-1] == ("visits", 7, 3, 2, 2)
    assert till.shop.frame("SELECT count(*) FROM rejects").rows() == [(1,)]


# Errors


@pytest.mark.parametrize(("line", "code"), [("!later", "retriable"), ("!broken", "source")])
def test_an_error_costs_nothing_that_was_read_before_it(till: Till, line: str, code: str):
    till.put("orders", *(order(n) for n in range(3)), line, order(3), order(4))
    till.put("visits", visit(1))
    report = till.sync()
    assert report.error is not None
    assert report.error["code"] == code
    assert counts(report) == {"parts": 2, "records": 3, "new": 3}
    assert till.cursor("orders") == '{"line": 3}'
    till.mend("orders")
    report = till.sync()
    assert report.error is None
    assert counts(report) == {"parts": 2, "read": 2, "records": 3, "new": 3}


def test_a_source_is_whole_only_once_each_stream_was_read_to_its_end(till: Till):
    def watermark() -> datetime | None:
        with till.shop.warehouse.reader(OWNER) as reader:
            [row] = reader.sources().to_dicts()
        found: datetime | None = row["watermark"]
        return found

    till.put("orders", order(1))
    till.put("visits", visit(1), "!later")
    till.sync()
    assert watermark() is None
    till.mend("visits")
    till.put("visits", visit(2))
    before = datetime.now(UTC)
    assert till.sync().late == 0, "what comes before a stream is whole is not late"
    at = watermark()
    assert at is not None
    assert before <= at <= datetime.now(UTC)


def test_a_sync_that_is_stopped_goes_on_behind_its_last_page(till: Till):
    till.put("orders", *(order(n) for n in range(5)))

    def stop(step: Progress) -> None:
        raise Stopped(f"stopped at {step.done}")

    report = sync(declared(till.folder), till.shop.warehouse, secrets=NoSecrets(), progress=stop)
    assert report.error == {"code": "stopped", "message": "stopped at 2"}
    assert counts(till.sync()) == {"parts": 2, "read": 2, "records": 3, "new": 3}


def test_a_page_that_fails_leaves_nothing_of_it(till: Till):
    till.put("orders", *(order(n) for n in range(3)))
    till.sync()
    warehouse = till.shop.warehouse

    def fail() -> None:
        with warehouse.writer() as writer, writer.commit(datetime.now(UTC)):
            writer.advance("till", "orders", '{"line": 99}')
            raise RetriableError("not now")

    with pytest.raises(RetriableError):
        fail()
    assert till.cursor("orders") == '{"line": 3}'
