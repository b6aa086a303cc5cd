"""What a source of exchange rates declares."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

import polars as pl
from pydantic import AfterValidator, Field, model_validator

from analyticspro.connectors.batch import Batch
from analyticspro.connectors.declaration import Columns, Time
from analyticspro.connectors.page import Connector, PagedSource
from analyticspro.connectors.rates import RatesConnector
from analyticspro.connectors.values import Notation
from analyticspro.errors import DefinitionError
from analyticspro.extract.secret import Secrets
from analyticspro.money import exponent

__all__ = ["RatesSource"]


def _currency(code: str) -> str:
    try:
        exponent(code)
    except DefinitionError as error:
        raise ValueError(str(error)) from None
    return code


def _url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("is no address; write one such as https://example.com/rates.csv")
    return text


class RatesSource(PagedSource):
    """A table of exchange rates: CSV, as it is or in a ZIP archive, read as a whole.

    Attributes:
        path, url: Where it is: a file relative to the folder of sources.toml, or an address.
        base: The currency that all rates are to.
        layout: `wide` has a date and then a column for each currency, as the European Central
            Bank writes it; `long` has a row for each date and currency.
        quoted: Whether a rate says what one unit of the base buys (`per_base`: EUR 1 = USD
            1.08), or what one unit of the currency costs (`in_base`: USD 1 = EUR 0.93).
        date: Column of the date, and how it is written.
        currency, rate: Columns of a `long` table.
        ignore: Columns of a `wide` table that hold no currency.
        absent: What stands where there is no rate, besides nothing.
    """

    connector: Literal["rates"] = "rates"
    path: str | None = None
    url: Annotated[str, AfterValidator(_url)] | None = None
    allow_http: bool = False
    base: Annotated[str, AfterValidator(_currency)]
    layout: Literal["wide", "long"] = "wide"
    quoted: Literal["per_base", "in_base"] = "per_base"
    date: Time = Field(default=Time(column="Date"))
    currency: str = "currency"
    rate: str = "rate"
    ignore: Columns = ()
    absent: tuple[str, ...] = ("N/A",)
    delimiter: Literal[",", ";", "\t", "|"] = ","
    decimal: Literal[".", ","] = "."
    thousands: Literal[".", ",", " ", "'"] | None = None

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, given: Any) -> Any:
        if isinstance(given, dict) and isinstance(given.get("date"), str):
            return {**given, "date": {"column": given["date"]}}
        return given

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.path is None) == (self.url is None):
            raise ValueError("needs exactly one of path and url")
        if self.url is not None and urlsplit(self.url).username is not None:
            raise ValueError("url holds a user or a password, which sources.toml must not")
        foreign = ("currency", "rate") if self.layout == "wide" else ("ignore", "absent")
        for name in foreign:
            if name in self.model_fields_set:
                raise ValueError(
                    f"{name} says nothing about a table of layout {self.layout!r}; remove {name}"
                )
        if self.thousands == self.decimal:
            raise ValueError(f"thousands is {self.thousands!r}, which is the decimal sign too")
        return self

    def within(self, folder: Path) -> Self:
        """Return the source with its relative paths taken from `folder`."""
        if self.path is None:
            return self
        path = (folder / Path(self.path).expanduser()).absolute()
        return self.model_copy(update={"path": str(path)})

    def notation(self) -> Notation | None:
        """Return how rates are written; None for plain digits with a decimal point."""
        plain = self.decimal == "." and self.thousands is None
        return None if plain else Notation(self.decimal, self.thousands)

    def remap(self, stream: str, rejects: pl.DataFrame) -> Batch:
        """Map rows anew that were set aside; those that are still wrong are rejects again."""
        return RatesConnector(self).remap(rejects)

    def connect(self, secrets: Secrets) -> Connector:
        """Return what reads the table; it has no secrets."""
        return RatesConnector(self)
