"""The canonical event: what every connector makes of its records.

Source: connectors.md, "A canonical event carries". `received_at`, lateness and the
revision are added by the warehouse when it commits.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from enum import StrEnum

import polars as pl

from analyticspro.errors import DefinitionError

__all__ = [
    "AUDIT",
    "OWN_SOURCE",
    "PROBLEMS",
    "SCHEMA",
    "WHOLE",
    "WriteMode",
    "check_name",
    "event_id",
    "problems",
]

# What the workspace tells of itself: a source that nobody else can declare, whose events are
# named so. They are withheld from who is not granted the tag `security`.
OWN_SOURCE = "analyticspro"
AUDIT = "audit_"


class WriteMode(StrEnum):
    """What a second record under the same id means. Source: semantics.md, Identity."""

    APPEND = "append"  # a duplicate: the first copy stands, another payload is a conflict
    MERGE = "merge"  # a higher version supersedes; an equal or lower one is a duplicate
    REPLACE = "replace"  # another payload supersedes; what a whole partition lacks is retracted


_FIELDS: dict[str, pl.DataType | type[pl.DataType]] = {
    "event_id": pl.String,  # deterministic from the source and the source's own id
    "name": pl.String,  # past tense: order_placed
    "occurred_at": pl.Datetime("us", "UTC"),
    "customer_id": pl.String,  # null: nobody known
    "user_id": pl.String,
    "session_id": pl.String,
    "amount_minor": pl.Int64,  # minor units of `currency`; negative for money returned
    "currency": pl.String,  # ISO 4217; null where there is no amount
    "properties": pl.String,  # a JSON object
    "raw": pl.String,  # the source's record as it came, JSON
    "version": pl.Int64,  # orders the states of one record under WriteMode.MERGE; else null
}
SCHEMA = pl.Schema(_FIELDS)

PROBLEMS = pl.Schema(
    {"row": pl.UInt32, "field": pl.String, "value": pl.String, "reason": pl.String}
)

# Properties that are kept as whole numbers besides the JSON, since metrics add them up.
WHOLE = ("quantity", "bytes_sent", "response_us", "observed_seconds")
# As a number or as a text; 2.0 is whole too. 18 digits fit for sure.
_IS_WHOLE = r"^\s*[+-]?[0-9]{1,18}(\.0*)?\s*$"

_NAME = r"^[a-z][a-z0-9_]{0,99}$"
_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST = datetime(2200, 1, 1, tzinfo=UTC)
_LONGEST_ID = 512


def event_id(source: str, *parts: str) -> str:
    """Return the id of an event from its source's name and the source's own id.

    Parts are joined so that no two different lists of parts give the same id.

    >>> event_id("shop", "orders.csv", "17")
    'shop:orders.csv:17'
    >>> event_id("shop", "a:b") == event_id("shop", "a", "b")
    False
    """
    return ":".join([source, *(part.replace("%", "%25").replace(":", "%3A") for part in parts)])


def check_name(name: str) -> str:
    """Return `name` if it can name an event: small letters, digits, underscores.

    Raises:
        DefinitionError: It cannot.
    """
    if re.fullmatch(_NAME, name) is None:
        raise DefinitionError(
            f"{name!r} cannot name an event. Use small letters, digits and underscores, "
            "in the past tense, such as order_placed."
        )
    return name


def problems(events: pl.DataFrame) -> pl.DataFrame:
    """Return what is wrong with `events`, at most one problem for each row.

    Args:
        events: Rows of `SCHEMA`.

    Returns:
        A frame of `PROBLEMS`: row (position in `events`), field (a column, or a property of
        `WHOLE`), value (as text, null if it was missing) and the reason, in row order. Empty
        when all is well.
    """
    amount_needs = "an amount needs a currency"
    checks = [
        _check("event_id", pl.col("event_id").str.len_bytes().fill_null(0) == 0, "is missing"),
        _check(
            "event_id",
            pl.col("event_id").str.len_bytes() > _LONGEST_ID,
            f"is longer than {_LONGEST_ID} bytes",
        ),
        _check(
            "name",
            ~pl.col("name").str.contains(_NAME).fill_null(value=False),
            "is not an event name (small letters, digits, underscores)",
        ),
        _check("occurred_at", pl.col("occurred_at").is_null(), "is missing"),
        _check(
            "occurred_at",
            ~pl.col("occurred_at").is_between(_EARLIEST, _LATEST),
            "is not between 1970 and 2200",
        ),
        _check(
            "currency",
            pl.col("amount_minor").is_not_null() & pl.col("currency").is_null(),
            amount_needs,
        ),
        _check(
            "currency",
            ~pl.col("currency").str.contains(r"^[A-Z]{3}$"),
            "is not an ISO 4217 code such as GBP",
        ),
    ]
    first = pl.coalesce(checks)
    found = (
        events.with_row_index("row")
        .select("row", first.alias("problem"))
        .filter(pl.col("problem").is_not_null())
        .unnest("problem")
        .cast(PROBLEMS)
    )
    broken = pl.concat([_broken(events, name) for name in WHOLE])
    if broken.height == 0:
        return found
    both = pl.concat([found, broken])
    return both.unique("row", keep="first", maintain_order=True).sort("row")


def _broken(events: pl.DataFrame, name: str) -> pl.DataFrame:
    """Return where the property `name` of `WHOLE` is there and is not a whole number.

    Added up it would be rounded, or left out, without a word.
    """
    # To look for its letters is much less work than to read JSON. Within a text they cannot
    # stand like this, as its quotes have a backslash.
    text = pl.col("properties")
    has_it = text.str.contains(f'"{name}"', literal=True)
    plainly = rf'"{name}"\s*:\s*("[+-]?[0-9]{{1,18}}"|[+-]?[0-9]{{1,18}}(\.0)?)\s*[,}}]'
    is_plain = text.str.contains(plainly) & (text.str.count_matches(f'"{name}"', literal=True) == 1)
    is_escaped = text.str.contains("\\u00", literal=True)
    return (
        events.select("properties")
        .with_row_index("row")
        .filter(has_it | is_escaped)
        .filter(~is_plain | is_escaped)
        .select(
            "row",
            pl.lit(name).alias("field"),
            text.str.json_path_match(f"$.{name}").alias("value"),
            pl.lit("is not a whole number, as which it is added up").alias("reason"),
        )
        .filter(~pl.col("value").str.contains(_IS_WHOLE))
        .cast(PROBLEMS)
    )


def _check(field: str, is_bad: pl.Expr, reason: str) -> pl.Expr:
    return pl.when(is_bad).then(
        pl.struct(
            pl.lit(field).alias("field"),
            pl.col(field).cast(pl.String).alias("value"),
            pl.lit(reason).alias("reason"),
        )
    )
