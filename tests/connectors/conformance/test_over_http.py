"""What every connector that asks over HTTP must hold to besides."""

from __future__ import annotations

import pytest

from analyticspro.errors import RetriableError, SourceError
from tests.connectors.conformance.harness import Fault, WebHarness, records
from tests.connectors.conformance.loop import Store, sync
from tests.connectors.conformance.test_conformance import NOW, expected, synced


@pytest.mark.parametrize("page", [1, 4])
@pytest.mark.parametrize(
    "fault", [Fault.TOO_MANY, Fault.ERRORS, Fault.CUT, Fault.MALFORMED, Fault.EXPIRED]
)
def test_a_fault_that_passes_is_gone_through(web: WebHarness, fault: Fault, page: int):
    web.put(records(23))
    web.fail(fault, page)
    store = synced(web)
    assert store.totals() == expected(records(23))
    assert store.seen == 23
    # 429 asks for 7 s; the others are waited for by half of the first second; a new token, not.
    assert web.waits() == {Fault.TOO_MANY: [7.5], Fault.EXPIRED: []}.get(fault, [0.5])


def test_a_source_that_stays_down_is_for_later_and_what_was_read_stays(web: WebHarness):
    web.put(records(23))
    web.fail(Fault.DOWN, 3)
    store = Store()
    with pytest.raises(RetriableError, match="sync again later"):
        sync(web.connector(), store, now=NOW)
    assert store.seen >= 5
    assert web.waits() == [0.5, 1, 2, 4, 8]


def test_a_revoked_token_names_its_cure_and_what_was_read_stays(web: WebHarness):
    web.put(records(23))
    web.fail(Fault.REVOKED, 3)
    store = Store()
    with pytest.raises(SourceError, match="analyticspro secrets set shop") as error:
        sync(web.connector(), store, now=NOW)
    assert "secret-of-the-client" not in str(error.value)
    assert "token-" not in str(error.value)
    assert store.seen >= 5


def test_pages_that_repeat_records_double_nothing(web: WebHarness):
    web.put(records(23))
    web.repeat(3)
    assert synced(web).totals() == expected(records(23))


def test_a_record_that_is_none_is_set_aside_with_its_reason(web: WebHarness):
    web.put(records(7))
    web.put_raw("not an object")
    store = synced(web)
    assert store.totals() == expected(records(7))
    [reject] = store.rejects
    assert (reject["reason"], reject["raw"]) == ("is not a JSON object", '"not an object"')
    assert reject["line"] is None
