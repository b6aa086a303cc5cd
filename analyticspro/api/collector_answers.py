"""From the messages of a delivery to its events, and from what became of them to the answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

import msgspec
from starlette.responses import Response

from analyticspro.collecting import Converter, Read, Row, Wrong, kept_of_reject, shown
from analyticspro.ingest.deliveries import Reject, Sent, Taken
from analyticspro.warehouse import Outcome

__all__ = ["Work", "answered", "convert"]

_STATUSES: dict[int | None, str] = {
    Outcome.NEW: "accepted",
    Outcome.CHANGED: "accepted",
    Outcome.DUPLICATE: "duplicate",
    Outcome.CONFLICT: "conflict",
    None: "rejected",
}
_encoder = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True)
class Work:
    """A delivery's messages, made into events as far as that goes.

    Attributes:
        ids: The id of each message, as a caller knows it; None where there is none to tell.
        wrong: Those that cannot be events, by their position.
        rows: The events, in the order of the others.
        rejects: The same as `wrong`, as they are set aside.
        refused: How these came.
        sent: Tells how the message of a row came.
    """

    ids: Sequence[str | None]
    wrong: dict[int, Wrong]
    rows: Sequence[Row]
    rejects: Sequence[Reject]
    refused: Sequence[Sent]
    sent: Callable[[int], Sent]


def convert(read: Read, source: str, kind: str | None, received_at: datetime) -> Work:
    """Make events of the messages of a delivery; one that is wrong leaves the others alone."""
    converter = Converter(
        source,
        received_at=received_at,
        sent_at=read.sent_at,
        is_plain=read.is_plain,
        kind=kind,
    )
    ids: list[str | None] = []
    wrong: dict[int, Wrong] = {}
    rows: list[Row] = []
    rejects: list[Reject] = []
    for position, message in enumerate(read.messages):
        raw = converter.raw(message)
        try:
            row = converter.row(message, raw)
        except Wrong as error:
            wrong[position] = error
            rejects.append((*error.told, kept_of_reject(raw)))
            ids.append(shown(message.get("messageId")) if isinstance(message, dict) else None)
        else:
            rows.append(row)
            ids.append(converter.id_of(row))

    def sent(position: int) -> Sent:
        return Sent(received_at, converter.behind(read.messages[position]), kind)

    def sent_as(row: int) -> Sent:
        good = (position for position in range(len(ids)) if position not in wrong)
        return sent(next(islice(good, row, None)))

    return Work(ids, wrong, rows, rejects, [sent(position) for position in wrong], sent_as)


def answered(work: Work, taken: Taken) -> Response:
    """Return the answer: what became of each message, in their order.

    202 if any is stored, or was before (or there was none); 400 if every one was set aside.
    """
    outcomes = iter(enumerate(taken.outcomes))
    counts = dict.fromkeys(_STATUSES.values(), 0)
    listed: list[dict[str, Any]] = []
    for position, message_id in enumerate(work.ids):
        error = work.wrong.get(position)
        row, outcome = (0, None) if error else next(outcomes)
        status = _STATUSES[outcome]
        counts[status] += 1
        entry: dict[str, Any] = {"messageId": message_id, "status": status}
        if outcome is None:
            field, value, reason = error.told if error else taken.problems[row]
            entry |= {"field": field, "value": value, "reason": reason}
        listed.append(entry)
    is_any = not listed or counts["rejected"] < len(listed)
    content = _encoder.encode({**counts, "events": listed})
    return Response(content, 202 if is_any else 400, media_type="application/json")
