"""An instance as JSON keeps it, and back; short, since there may be a million."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from analyticspro.alerts.machine import Instance, Phase, Reading, Standing

__all__ = ["restored", "stored"]


def stored(instance: Instance) -> dict[str, Any]:
    """Return all of it as JSON knows it."""
    return {
        "settled": _standing(instance.settled),
        "standing": _standing(instance.standing),
        "horizon": _text(instance.horizon),
        "readings": [
            [_text(each.bucket), _text(each.at), each.breached, each.value, _text(each.until)]
            + ([] if each.is_whole else [False])
            for each in instance.readings
        ],
    }


def restored(told: dict[str, Any]) -> Instance:
    """Return the instance that `stored` was given."""
    readings = tuple(
        Reading(
            datetime.fromisoformat(bucket),
            datetime.fromisoformat(at),
            breached,
            value,
            _moment(until),
            *is_whole,
        )
        for bucket, at, breached, value, until, *is_whole in told["readings"]
    )
    settled, standing = _read(told["settled"]), _read(told["standing"])
    return Instance(settled, readings, standing, _moment(told["horizon"]))


def _standing(standing: Standing) -> list[str | None]:
    return [standing.phase.value, _text(standing.since)]


def _read(told: list[str | None]) -> Standing:
    return Standing(Phase(str(told[0])), _moment(told[1]))


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
