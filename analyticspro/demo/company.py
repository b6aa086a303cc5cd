"""The shop: where its customers live, what they pay for, what they can buy.

It sells photo goods and what a photo booth needs, in US dollars, to people with an account.
All of it is invented.
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = [
    "CHANNELS",
    "COMPANY",
    "COUNTRIES",
    "CURRENCY",
    "LANDING_PATHS",
    "PLANS",
    "PRODUCTS",
    "Country",
    "Plan",
    "Product",
]

COMPANY = "Alder & Finch"
CURRENCY = "USD"


class Country(NamedTuple):
    """A market: its share of sign-ups 18 months ago and its growth since."""

    name: str
    timezone: str
    share: float
    monthly_growth: float


class Plan(NamedTuple):
    """A kind of account, and how its people behave.

    Attributes:
        name: As it stands in an event's properties.
        price: Of a seat for a month, in cents.
        share: Of new accounts.
        months: Mean time until an account goes quiet for good.
        seats: Most people who use one account.
        visits: How often it visits, against a free account.
        conversion: How readily a visit ends in an order, against a free account.
        quantity: Mean number of pieces in an order beyond the first.
    """

    name: str
    price: int
    share: float
    months: float
    seats: int
    visits: float
    conversion: float
    quantity: float


class Product(NamedTuple):
    """An article of the price list; the price is in cents, popularity is relative."""

    id: str
    name: str
    price: int
    popularity: float


COUNTRIES = (
    Country("United States", "America/Chicago", 0.31, 0.040),
    Country("United Kingdom", "Europe/London", 0.17, 0.030),
    Country("Germany", "Europe/Berlin", 0.13, 0.048),
    Country("France", "Europe/Paris", 0.09, 0.040),
    Country("Canada", "America/Toronto", 0.07, 0.035),
    Country("Netherlands", "Europe/Amsterdam", 0.06, 0.045),
    Country("Australia", "Australia/Sydney", 0.05, 0.040),
    Country("Spain", "Europe/Madrid", 0.04, 0.055),
    Country("Sweden", "Europe/Stockholm", 0.03, 0.020),
    Country("Japan", "Asia/Tokyo", 0.02, 0.030),
    Country("Brazil", "America/Sao_Paulo", 0.02, 0.085),
    Country("India", "Asia/Kolkata", 0.01, 0.110),
)

PLANS = (
    Plan("free", 0, 0.68, 5.0, 1, 1.0, 1.0, 0.5),
    Plan("team", 1900, 0.24, 10.0, 4, 1.7, 1.5, 0.9),
    Plan("business", 3900, 0.08, 20.0, 12, 2.8, 2.0, 1.4),
)

CHANNELS = (
    ("organic", 0.38),
    ("search_ads", 0.22),
    ("referral", 0.13),
    ("email", 0.16),
    ("social", 0.11),
)

PRODUCTS = tuple(
    Product(f"P{number:03d}", name, price, popularity)
    for number, (name, price, popularity) in enumerate(
        (
            ("Print Set, 20 Photos", 1450, 9.0),
            ("Sticker Sheet", 1190, 8.5),
            ("Fridge Magnet", 890, 7.0),
            ("Canvas, Small", 3400, 6.5),
            ("Postcards, 12", 990, 6.0),
            ("Photo Mug", 1600, 5.5),
            ("Wall Calendar", 2100, 5.5),
            ("Photo Book, Linen", 6900, 5.5),
            ("Photo Book, Large", 7900, 5.0),
            ("Frame, Oak", 4200, 5.0),
            ("Frame Set, 3", 8900, 4.5),
            ("Canvas, Medium", 5900, 4.5),
            ("Poster, Framed", 5400, 4.0),
            ("Ring Light", 7400, 3.8),
            ("Canvas, Large", 16900, 3.6),
            ("Backdrop, Paper", 3900, 3.2),
            ("Backdrop, Linen", 6400, 3.0),
            ("Backdrop Stand", 14900, 1.6),
            ("Prop Box, Party", 2700, 3.2),
            ("Prop Box, Wedding", 2300, 3.4),
            ("Album Sleeve", 2900, 2.4),
            ("Guest Book", 4400, 2.2),
            ("Puzzle, 500 Pieces", 2600, 3.6),
            ("Tote Bag", 1900, 2.6),
            ("Table Sign, Set", 4900, 2.2),
            ("Photo Cushion", 5600, 2.4),
            ("Booth Printer, Compact", 28900, 1.8),
            ("Booth Tablet", 36900, 1.1),
            ("Photo Booth, Portable", 54900, 0.9),
            ("Softbox Pair", 21900, 1.3),
            ("Photo Booth, Walnut", 42900, 0.6),
            ("Tablet Stand", 11900, 2.6),
            ("Booth Screen, 27 Inch", 31900, 1.0),
            ("Booth Case", 17900, 1.4),
            ("Light Stand, Heavy", 12900, 0.9),
            ("Remote Trigger", 9900, 1.2),
            ("Photo Paper, 100", 3200, 3.4),
            ("Ink Cartridge Set", 8400, 2.4),
            ("Tablet Sleeve", 3600, 3.0),
            ("Wall Panel, Acrylic", 15900, 1.0),
        ),
        start=1,
    )
)

LANDING_PATHS = (
    ("/", 0.46),
    ("/products", 0.24),
    ("/offers", 0.12),
    ("/journal/a-booth-for-your-wedding", 0.10),
    ("/journal/prints-that-last", 0.08),
)
