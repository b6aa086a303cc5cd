"""What becomes of a message in Segment's form: the event, or the reason why there is none."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import pytest

from analyticspro.collecting import Converter, Wrong, messages

NOW = datetime(2026, 11, 21, 16, 0, tzinfo=UTC)


class Event(NamedTuple):
    event_id: str
    name: str
    occurred_us: int
    customer_id: str | None
    user_id: str
    session_id: str | None
    amount_minor: int | None
    currency: str | None
    properties: str
    raw: str

    @property
    def at(self) -> datetime:
        return datetime.fromtimestamp(0, UTC) + timedelta(microseconds=self.occurred_us)


def converted(written: str, *, kind: str | None = None, sent_at: Any = None) -> Event:
    read = messages(f'{{"batch":[{written}]}}'.encode(), is_batch=True)
    converter = Converter(
        "shop", received_at=NOW, sent_at=sent_at, is_plain=read.is_plain, kind=kind
    )
    [message] = read.messages
    return Event(*converter.row(message, converter.raw(message)))


def event(kind: str = "track", **fields: Any) -> Event:
    given = {"type": kind, "messageId": "m1", "userId": "u1"}
    given |= {"event": "Signed Up"} if kind == "track" else {}
    merged = {name: value for name, value in (given | fields).items() if value is not ...}
    return converted(json.dumps(merged, separators=(",", ":")))


def wrong(**fields: Any) -> tuple[str | None, str | None, str]:
    with pytest.raises(Wrong) as caught:
        event(**fields)
    return caught.value.told


class TestNames:
    @pytest.mark.parametrize(
        ("given", "name"),
        [
            ("Order Completed", "order_completed"),
            (" Order Completed ", "order_completed"),
            ("orderCompleted", "order_completed"),
            ("FirstTrackCall12", "first_track_call12"),
            ("HTTPServerError", "http_server_error"),
            ("Café Opened – 2nd", "cafe_opened_2nd"),
            ("don't panic", "dont_panic"),
            ("2FA Enabled", "event_2fa_enabled"),
        ],
    )
    def test_a_track_message_is_named_after_its_event(self, given: str, name: str):
        found = event(event=given)
        assert found.name == name
        assert json.loads(found.raw)["event"] == given

    @pytest.mark.parametrize(
        ("kind", "name"),
        [
            ("identify", "user_identified"),
            ("page", "page_viewed"),
            ("screen", "screen_viewed"),
            ("group", "group_joined"),
            ("alias", "user_aliased"),
        ],
    )
    def test_the_other_types_are_events_of_their_own(self, kind: str, name: str):
        assert event(kind).name == name

    @pytest.mark.parametrize("given", ["注文", "Straße", "!?", "x" * 101, "x" * 10_000, "   "])
    def test_a_name_that_gives_none_is_refused(self, given: str):
        field, value, reason = wrong(event=given)
        assert (field, value) == ("event", given[:200])
        assert "gives no event name" in reason

    @pytest.mark.parametrize(
        ("given", "reason"), [(..., "is missing"), ("", "is missing"), (7, "is not text")]
    )
    def test_a_track_message_needs_an_event(self, given: Any, reason: str):
        assert wrong(event=given)[::2] == ("event", reason)

    @pytest.mark.parametrize("given", [..., "test", "Track", 1, None, ["track"]])
    def test_a_type_that_segment_does_not_have_is_refused(self, given: Any):
        assert wrong(type=given)[0] == "type"

    def test_an_address_knows_its_own_type(self):
        assert converted('{"messageId":"m","userId":"u"}', kind="page").name == "page_viewed"
        with pytest.raises(Wrong, match="is not page"):
            converted('{"messageId":"m","userId":"u","type":"track"}', kind="page")


class TestWho:
    def test_the_user_is_the_customer(self):
        found = event()
        assert (found.user_id, found.customer_id) == ("u1", "u1")

    def test_a_group_is_the_customer_of_its_users(self):
        assert event(context={"groupId": "acme"}).customer_id == "acme"
        joined = event("group", groupId="acme", traits={"plan": "pro"})
        assert (joined.customer_id, joined.user_id) == ("acme", "u1")
        assert json.loads(joined.properties) == {"plan": "pro", "group_id": "acme"}

    def test_nobody_known_is_a_user_but_no_customer(self):
        found = event(userId=..., anonymousId="a1")
        assert (found.user_id, found.customer_id) == ("a1", None)
        assert json.loads(found.properties) == {"anonymous_id": "a1"}

    @pytest.mark.parametrize("given", [..., None, "", "  "])
    def test_somebody_there_must_be(self, given: Any):
        assert wrong(userId=given)[::2] == ("userId", "is missing, and so is anonymousId")

    def test_a_number_is_taken_by_its_digits(self):
        found = converted(
            '{"type":"page","messageId":1.50,"userId":123,"context":{"sessionId":12345678901234567890}}'
        )
        assert (found.event_id, found.user_id) == ("shop:messages:1.50", "123")
        assert found.session_id == "12345678901234567890"

    @pytest.mark.parametrize("given", [True, {}, [], "x" * 401])
    @pytest.mark.parametrize("name", ["messageId", "userId", "anonymousId", "groupId"])
    def test_what_cannot_name_anything_is_refused(self, name: str, given: Any):
        assert wrong(**{name: given})[0] == name

    def test_an_alias_keeps_who_it_was(self):
        found = event("alias", previousId="a1")
        assert json.loads(found.properties) == {"previous_id": "a1"}

    def test_traits_may_stand_in_the_context(self):
        found = event("identify", context={"traits": {"plan": "pro"}})
        assert json.loads(found.properties) == {"plan": "pro"}


class TestId:
    def test_it_is_of_its_source(self):
        assert event(messageId="a:b%").event_id == "shop:messages:a%3Ab%25"

    def test_without_one_it_is_made_of_the_content(self):
        first = event(messageId=..., timestamp="2026-11-21T15:00:00Z")
        again = event(
            messageId=..., timestamp="2026-11-21T15:00:00Z", sentAt="2026-11-21T15:59:00Z"
        )
        other = event(messageId=..., timestamp="2026-11-21T15:00:01Z")
        assert first.event_id == again.event_id != other.event_id
        assert first.event_id.startswith("shop:messages:track-")

    def test_without_one_and_without_a_time_a_repeat_could_not_be_told(self):
        field, value, reason = wrong(messageId=...)
        assert (field, value) == ("messageId", None)
        assert "so is timestamp" in reason


class TestTime:
    @pytest.mark.parametrize(
        ("fields", "at"),
        [
            ({}, "16:00:00"),
            ({"timestamp": "2026-11-21T15:00:00.5Z"}, "15:00:00.500000"),
            ({"timestamp": "2026-11-21T15:00:00+01:00"}, "14:00:00"),
            ({"timestamp": "2026-11-21T15:00:00"}, "15:00:00"),
            ({"originalTimestamp": "2026-11-21T13:00:00Z", "timestamp": "never"}, "13:00:00"),
            ({"timestamp": "", "originalTimestamp": None}, "16:00:00"),
        ],
    )
    def test_it_is_when_the_sender_says(self, fields: dict[str, Any], at: str):
        assert event(**fields).at == datetime.fromisoformat(f"2026-11-21T{at}+00:00")

    @pytest.mark.parametrize("wrong_by", [timedelta(0), timedelta(hours=5), -timedelta(days=900)])
    @pytest.mark.parametrize("name", ["timestamp", "originalTimestamp"])
    def test_a_wrong_clock_of_the_sender_does_not_matter(self, wrong_by: timedelta, name: str):
        """It happened at receivedAt − (sentAt − originalTimestamp)."""
        sent = NOW + wrong_by
        happened = sent - timedelta(minutes=7)
        found = event(**{name: happened.isoformat(), "sentAt": sent.isoformat()})
        assert found.at == NOW - timedelta(minutes=7)

    def test_the_batch_may_say_when_it_was_sent(self):
        written = '{"type":"page","messageId":"m","userId":"u","timestamp":"2030-01-01T00:00:00Z"}'
        assert converted(written, sent_at="2030-01-01T00:00:10Z").at == NOW - timedelta(seconds=10)
        with pytest.raises(Wrong, match="is not a time"):
            converted(written, sent_at="soon")

    @pytest.mark.parametrize(
        ("ahead", "is_taken"),
        [
            (timedelta(hours=23), True),
            (timedelta(hours=23, microseconds=1), False),
            (timedelta(days=20_000), False),
        ],
    )
    def test_far_ahead_it_is_the_server_s_and_says_so(self, ahead: timedelta, is_taken: bool):
        given = (NOW + ahead).isoformat()
        found = event(timestamp=given)
        assert found.at == (NOW + ahead if is_taken else NOW)
        assert json.loads(found.properties) == ({} if is_taken else {"timestamp_given": given})

    @pytest.mark.parametrize(
        "given", ["invalid-time", "safaff", 1700000000, 1.5, True, {}, "2026-13-01", "24:00"]
    )
    def test_what_is_no_time_is_refused(self, given: Any):
        for name in ("timestamp", "originalTimestamp"):
            assert wrong(**{name: given})[0] == name
        assert wrong(timestamp="2026-11-21", sentAt=given)[0] == "sentAt"

    def test_the_ends_of_the_calendar_are_no_reason_to_fail(self):
        for edge in ("0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59.999999-23:59"):
            event(timestamp=edge)
            event(timestamp="2026-11-21T15:00:00Z", sentAt=edge)
            event(timestamp=edge, sentAt="2026-11-21T15:00:00Z")


class TestMoney:
    @pytest.mark.parametrize(
        ("properties", "money"),
        [
            ('{"revenue":25,"total":27.5,"currency":"USD"}', (2500, "USD")),
            ('{"revenue":45.89,"currency":"gbp"}', (4589, "GBP")),
            ('{"revenue":"45.89","currency":" EUR "}', (4589, "EUR")),
            ('{"revenue":12.13}', (1213, "USD")),
            ('{"revenue":-3.10,"currency":"GBP"}', (-310, "GBP")),
            ('{"revenue":0.29,"currency":"GBP"}', (29, "GBP")),
            ('{"revenue":1e3,"currency":"JPY"}', (1000, "JPY")),
            ('{"revenue":1.234,"currency":"KWD"}', (1234, "KWD")),
            ('{"revenue":90071992547409.93,"currency":"GBP"}', (9007199254740993, "GBP")),
            ('{"revenue":90071992547409931.27,"currency":"GBP"}', (9007199254740993127, "GBP")),
            ('{"revenue":null,"total":23,"currency":"USD"}', (2300, "USD")),
            ('{"revenue":"","value":23,"currency":"USD"}', (2300, "USD")),
            ('{"total":23,"value":99,"currency":"USD"}', (2300, "USD")),
            ('{"value":23}', (None, None)),
            ('{"total":1009}', (None, None)),
            ('{"value":"blue","currency":"USD"}', (None, None)),
            ('{"value":5,"currency":"gold"}', (None, None)),
            ('{"currency":"USD"}', (None, None)),
            ("{}", (None, None)),
        ],
    )
    def test_it_is_exact(self, properties: str, money: tuple[int | None, str | None]):
        found = converted(
            '{"type":"track","event":"Paid","messageId":"m","userId":"u",'
            f'"properties":{properties}}}'
        )
        assert (found.amount_minor, found.currency) == money
        assert found.properties == properties

    def test_what_had_to_be_rounded_is_kept(self):
        found = event(properties={"revenue": 0.125, "currency": "GBP"})
        assert found.amount_minor == 12
        assert json.loads(found.properties)["amount_unrounded"] == "0.125"

    @pytest.mark.parametrize("given", ["$45", "free", True, {}, [1], "١٢", "1_000", 1e30, "NaN"])
    def test_a_revenue_that_is_no_number_is_refused(self, given: Any):
        assert wrong(properties={"revenue": given})[0] == "properties.revenue"

    @pytest.mark.parametrize("given", ["dollars", "$", 840, ["USD"]])
    def test_a_revenue_beside_what_is_no_currency_is_refused(self, given: Any):
        told = wrong(properties={"revenue": 1, "currency": given})
        assert told[0] == "properties.currency"


class TestProperties:
    def test_they_are_those_of_the_message(self):
        properties = '{"order_id":"7","price":1.10,"nested":{"a":[1,2.50]},"quantity":3}'
        found = converted(
            '{"type":"track","event":"Paid","messageId":"m","userId":"u",'
            f'"properties":{properties}}}'
        )
        assert found.properties == properties

    def test_what_is_added_takes_nothing_s_place(self):
        found = event("page", name="Home", category="start", properties={"name": "own"})
        assert json.loads(found.properties) == {"name": "own", "category": "start"}

    @pytest.mark.parametrize("given", [[], "text", 7, True])
    @pytest.mark.parametrize("name", ["properties", "context"])
    def test_what_is_no_object_is_refused(self, name: str, given: Any):
        assert wrong(**{name: given})[::2] == (name, "is not a JSON object")


class TestRaw:
    def test_it_is_the_message_as_it_came(self):
        written = '{"type":"page","messageId":"m","userId":"u","x":[1.10,{"y":null}]}'
        assert converted(written).raw == written

    def test_it_holds_no_write_key_and_not_when_it_was_sent(self):
        """A repeat is sent at another time, and is the same message still."""
        plain = event("page")
        assert event("page", sentAt="2026-11-21T15:00:00Z", writeKey="wk_secret").raw == plain.raw

    @pytest.mark.parametrize("written", ["1", "null", "[]", '"text"', "{}", "1.50", "true"])
    def test_whatever_came_can_be_kept(self, written: str):
        read = messages(f'{{"batch":[{written}]}}'.encode(), is_batch=True)
        converter = Converter(
            "shop", received_at=NOW, sent_at=None, is_plain=read.is_plain, kind=None
        )
        assert converter.raw(read.messages[0]) == written
        with pytest.raises(Wrong):
            converter.row(read.messages[0], written)

    def test_a_message_may_have_a_megabyte(self):
        def sized(size: int) -> str:
            start = '{"type":"page","messageId":"m","userId":"u","properties":{"x":"'
            return f'{start}{"x" * (size - len(start) - 3)}"}}}}'

        assert len(converted(sized(1 << 20)).raw) == 1 << 20
        with pytest.raises(Wrong, match="is larger than 1,048,576 bytes"):
            converted(sized((1 << 20) + 1))
