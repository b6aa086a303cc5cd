"""What a broken file or a stopped sync costs: nothing that was committed."""

from __future__ import annotations

import gzip

from analyticspro.errors import RetriableError
from analyticspro.ingest import Progress, sync
from analyticspro.policy import OWNER
from tests.ingest.shop import HEAD, Shop, counts
from tests.local import NoSecrets

ANN, BOB, CID = "1,2011-11-05,Ann,1.00", "2,2011-11-06,Bob,2.00", "3,2011-11-07,Cid,3.00"


def test_a_file_cut_short_keeps_what_was_committed_and_goes_on_at_the_next_sync(shop: Shop):
    rows = [f"{n},2011-11-05,C{n * 7919 % 100_003},1" for n in range(120_000)]
    packed = gzip.compress("\n".join([HEAD, *rows]).encode())
    file = shop.folder / "orders.csv.gz"
    file.write_bytes(packed[: len(packed) * 3 // 4])
    report = shop.sync()
    assert report.error is not None
    assert "not a whole gzip file" in report.error["message"]
    assert counts(report) == {"records": 50_000, "new": 50_000}
    with shop.warehouse.reader(OWNER) as reader:
        assert reader.sources()["watermark"].to_list() == [None]
    file.write_bytes(packed)
    report = shop.sync()
    assert report.error is None
    assert counts(report) == {
        "read": 1, "records": 120_000, "new": 70_000, "unchanged": 50_000,
    }  # fmt: skip


def test_a_broken_file_does_not_cost_what_was_read_before_it(shop: Shop):
    shop.write(ANN, name="a.csv")
    shop.write(BOB, name="b.csv", head="id,at,whom,paid")
    shop.write(CID, name="c.csv")
    report = shop.sync()
    assert report.error is not None
    assert "Did you mean 'whom'" in report.error["message"]
    assert shop.live() == ["Ann"]
    shop.write(BOB, name="b.csv")
    assert counts(shop.sync()) == {"read": 2, "records": 2, "new": 2}


def test_a_sync_that_is_stopped_goes_on_at_the_next(shop: Shop):
    shop.write(*[f"{n},2011-11-05,C,1" for n in range(60_000)])

    def stop(step: Progress) -> None:
        raise RetriableError(f"stopped at {step.done} of {step.total}")

    report = sync(shop.declared(), shop.warehouse, secrets=NoSecrets(), progress=stop)
    assert report.error is not None
    assert report.error["code"] == "retriable"
    assert report.new == 50_000
    assert counts(shop.sync())["new"] == 10_000
