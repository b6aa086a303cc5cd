"""Proposes how records become events, from the names of their fields and what is in them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from analyticspro.connectors.looks import Look, look, notation
from analyticspro.connectors.sampling import Sample
from analyticspro.errors import DefinitionError
from analyticspro.events import check_name
from analyticspro.money import exponent

__all__ = ["Proposal", "plain_name", "propose"]

# Names of fields in small letters, the likeliest first.
_TIME = (
    "occurred_at", "event_time", "happened_at", "ordered_at", "order_date", "invoice_date",
    "purchased_at", "ordered", "placed_at", "timestamp", "created_at", "created", "date",
    "datetime", "time", "at",
)  # fmt: skip
_CUSTOMER = (
    "customer_id", "customer", "customer_no", "customer_number", "client_id", "client",
    "account_id", "account", "company_id", "company", "partner_id", "partner", "buyer_id",
    "buyer", "who",
)  # fmt: skip
_USER = ("user_id", "user", "uid", "visitor_id", "anonymous_id", "member_id", "person_id")
_SESSION = ("session_id", "session", "visit_id")
_TOTAL = (
    "amount", "total_amount", "order_total", "grand_total", "total", "total_price", "revenue",
    "net_amount", "gross_amount", "paid", "value", "sum",
)  # fmt: skip
_UNIT_PRICE = ("unit_price", "item_price", "price_per_unit", "price")
_QUANTITY = ("quantity", "qty", "units")
_CURRENCY = ("currency", "currency_code", "cur")
_KEY = ("id", "event_id", "uuid", "guid", "key", "number", "no", "transaction_id", "message_id")
_KEY_ENDS = ("_id", "_no", "_number", "_uuid", "_key")
# What shipped metrics break down by, and what else it is called.
_PROPERTIES = {
    "order_id": ("order_id", "order_no", "order_number", "order", "invoice_no", "invoice"),
    "product_id": ("product_id", "stock_code", "sku", "product_code", "item_id"),
    "product": ("product", "product_name", "description", "item"),
    "quantity": _QUANTITY,
}
_EVENTS = (
    (("order", "sale", "invoice", "purchase", "retail", "receipt", "till"), "order_placed"),
    (("refund",), "order_refunded"),
    (("cancel",), "order_cancelled"),
    (("sign_up", "signup", "registration"), "signed_up"),
    (("page", "visit", "view"), "page_viewed"),
)
_NAME_ENDS = (*_KEY_ENDS, "_code", "id", "sku", "invoice", "order")  # digits, but no number
_MOST_PROPERTIES = 100


@dataclass
class Proposal:
    """How records could become events.

    Attributes:
        settings: The mapping, as a declaration has it.
        roles: By field, what it is taken for.
        looks: By field, what its values look like.
        notes: By setting, why it is so, where a person should look twice.
        lacking: What no field was found for though it is needed; None if all is there.
    """

    settings: dict[str, Any] = field(default_factory=dict)
    roles: dict[str, str] = field(default_factory=dict)
    looks: dict[str, Look] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)
    lacking: str | None = None


def propose(sample: Sample, name: str, *, currency: str, needs_key: bool = False) -> Proposal:
    """Return how the records of `sample` could become events.

    Args:
        sample: The first records.
        name: What they are called: a file's name, a path.
        currency: Of amounts, where no field tells.
        needs_key: Whether a record must be told by a field, as one of a stream.
    """
    columns = [column for column in sample.columns if not re.search(r"[\x00]|\$\{", column)]
    values = {column: [row.get(column) for row in sample.rows] for column in columns}
    is_csv = "format" not in sample.settings
    written = notation(list(values.values())) if is_csv else None
    proposal = Proposal()
    if written is not None:
        proposal.settings["decimal"] = written.decimal
        if written.thousands:
            proposal.settings["thousands"] = written.thousands
    proposal.looks = {
        column: look(plain_name(column), values[column], written) for column in columns
    }
    _Finding(proposal, values, currency).find(name, needs_key=needs_key)
    return proposal


def plain_name(column: str) -> str:
    """Return the last part of a field's path in small letters with underscores.

    >>> plain_name("InvoiceNo"), plain_name("customer.Unit Price"), plain_name("CustomerID")
    ('invoice_no', 'unit_price', 'customer_id')
    """
    humped = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", column)
    whole = [re.sub(r"[^a-z0-9]+", "_", part.lower()).strip("_") for part in humped.split(".")]
    last = whole[-1]
    # The id of a customer is in customer.id.
    return f"{whole[-2]}_{last}" if last in ("id", "name") and len(whole) > 1 else last


class _Finding:
    """The search for a field for each role; a field has one role only."""

    def __init__(
        self, proposal: Proposal, values: Mapping[str, Sequence[str | None]], currency: str
    ) -> None:
        self._proposal = proposal
        self._values = values
        self._currency = currency

    def find(self, name: str, *, needs_key: bool) -> None:
        """Fill the proposal in."""
        settings, notes = self._proposal.settings, self._proposal.notes
        self._find_key(is_needed=needs_key)
        settings["event"] = _event(name)
        notes["event"] = "what each record is; from the name alone"
        self._find_time()
        for role, names in (
            ("customer_id", _CUSTOMER), ("user_id", _USER), ("session_id", _SESSION),
        ):  # fmt: skip
            column = self._named(names)
            if column is not None:
                settings[role] = self._take(column, role)
        self._find_amount()
        self._find_properties()

    def _find_key(self, *, is_needed: bool) -> None:
        not_keys = (*_CUSTOMER, *_USER, *_SESSION, *_PROPERTIES["product_id"])
        unique = [
            column
            for column, seen in self._proposal.looks.items()
            if seen.is_unique and seen.kind in ("text", "integer")
        ]
        named = {plain_name(column): column for column in reversed(unique)}
        likely = [named[name] for name in _KEY if name in named]
        likely += [
            column
            for name, column in reversed(named.items())
            if name.endswith(_KEY_ENDS) and (is_needed or name not in not_keys)
        ]
        if likely:
            self._proposal.settings["key"] = [likely[0]]
            self._proposal.roles[likely[0]] = "key"
            count = len(self._values[likely[0]])
            self._proposal.notes["key"] = f"differs in all of the first {count} records"
        elif is_needed:
            self._proposal.lacking = "a field that tells records apart: key"

    def _find_time(self) -> None:
        looks = self._proposal.looks
        times = [column for column, seen in looks.items() if seen.kind == "time"]
        times.sort(key=lambda column: _rank(plain_name(column), _TIME))
        if not times:
            self._proposal.lacking = self._proposal.lacking or (
                "a field that looks like a time: occurred_at"
            )
            return
        column = self._take(times[0], "occurred_at")
        forms = looks[column].forms
        told = {"column": column, "format": forms[0]} if forms else column
        self._proposal.settings["occurred_at"] = told
        if len(forms) > 1:
            self._proposal.notes["occurred_at"] = f"{forms[1]} would fit too: which is it?"

    def _find_amount(self) -> None:
        settings = self._proposal.settings
        total = self._named(_TOTAL, "integer", "number")
        price = self._named(_UNIT_PRICE, "integer", "number")
        quantity = self._named(_QUANTITY, "integer", "number")
        if total is not None:
            product = [total]
        elif price is not None:
            product = [price] if quantity is None else [quantity, price]
        else:
            return
        currency = self._named(_CURRENCY)
        if currency is not None and all(map(_is_currency, self._values[currency])):
            settings["amount"] = {"product": product, "currency_column": currency}
            self._take(currency, "currency")
        else:
            settings["currency"] = self._currency
            self._proposal.notes["currency"] = "the workspace's; no field tells"
            settings["amount"] = product[0] if len(product) == 1 else {"product": product}
        for column in product:
            if column != quantity:
                self._take(column, "amount")

    def _find_properties(self) -> None:
        properties: dict[str, Any] = {}
        roles = self._proposal.roles
        for name, names in _PROPERTIES.items():
            column = self._named(names, also_key=name == "order_id")
            if column is not None:
                properties[name] = self._property(column)
                roles.setdefault(column, f"property {name}")
        for column, seen in self._proposal.looks.items():
            name = re.sub(r"[^a-z0-9]+", "_", _humped(column)).strip("_") or "property"
            if column in roles or seen.kind == "empty" or name == "amount_unrounded":
                continue
            if name in properties or len(properties) >= _MOST_PROPERTIES:
                continue
            properties[name] = self._property(column)
            roles[column] = f"property {name}"
        if properties:
            self._proposal.settings["properties"] = properties

    def _property(self, column: str) -> Any:
        kind = self._proposal.looks[column].kind
        is_name = kind == "integer" and plain_name(column).endswith(_NAME_ENDS)
        return {"column": column, "type": kind} if kind in _TYPES and not is_name else column

    def _named(self, names: Sequence[str], *kinds: str, also_key: bool = False) -> str | None:
        """Return the likeliest field of such a name, and kind, that has no role yet."""
        found = [
            column
            for column, seen in self._proposal.looks.items()
            if plain_name(column) in names
            and seen.kind not in ("empty", "time")
            and (not kinds or seen.kind in kinds)
            and self._proposal.roles.get(column) in (None, "key" if also_key else None)
        ]
        return min(found, key=lambda one: names.index(plain_name(one)), default=None)

    def _take(self, column: str, role: str) -> str:
        self._proposal.roles[column] = role
        return column


_TYPES = ("integer", "number", "boolean")


def _humped(column: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", column).lower()


def _rank(name: str, names: Sequence[str]) -> int:
    return names.index(name) if name in names else len(names)


def _is_currency(code: str | None) -> bool:
    try:
        exponent(code or "")
    except DefinitionError:
        return False
    return True


def _event(name: str) -> str:
    plain = re.sub(r"[^a-z]+", "_", _humped(name)).strip("_")
    for words, event in _EVENTS:
        if any(word in plain for word in words):
            return event
    singular = plain[:-1] if plain.endswith("s") and len(plain) > 3 else plain
    try:
        return check_name(f"{singular[:60]}_recorded")
    except DefinitionError:
        return "record_added"
