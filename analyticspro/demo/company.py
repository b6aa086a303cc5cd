"""The company itself: where its customers live, what they pay for, what they can buy.

Alder & Finch sells things for desks and small offices, in US dollars, to people with an
account. All of it is invented.
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
        share: Of new accounts.
        months: Mean time until an account goes quiet for good.
        seats: Most people who use one account.
        visits: How often it visits, against a free account.
        conversion: How readily a visit ends in an order, against a free account.
        quantity: Mean number of pieces in an order beyond the first.
    """

    name: str
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
    Plan("free", 0.68, 5.0, 1, 1.0, 1.0, 0.5),
    Plan("team", 0.24, 10.0, 4, 1.7, 1.5, 0.9),
    Plan("business", 0.08, 20.0, 12, 2.8, 2.0, 1.4),
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
            ("Dot Grid Notebook", 1450, 9.0),
            ("Gel Pen Set", 1190, 8.5),
            ("Cable Tidy", 890, 7.0),
            ("Desk Mat, Felt", 3400, 6.5),
            ("Sticky Notes, 12 Pads", 990, 6.0),
            ("Ceramic Mug", 1600, 5.5),
            ("Weekly Planner", 2100, 5.5),
            ("Laptop Stand, Oak", 6900, 5.5),
            ("Desk Lamp", 7900, 5.0),
            ("Wireless Mouse", 4200, 5.0),
            ("Wireless Keyboard", 8900, 4.5),
            ("USB-C Hub", 5900, 4.5),
            ("Monitor Riser", 5400, 4.0),
            ("Webcam, Full HD", 7400, 3.8),
            ("Noise-Cancelling Headset", 16900, 3.6),
            ("Pinboard, Cork", 3900, 3.2),
            ("Whiteboard, Small", 6400, 3.0),
            ("Whiteboard, Large", 14900, 1.6),
            ("Filing Box", 2700, 3.2),
            ("Drawer Organiser", 2300, 3.4),
            ("Bookend Pair", 2900, 2.4),
            ("Wall Clock", 4400, 2.2),
            ("Desk Plant", 2600, 3.6),
            ("Plant Pot, Terracotta", 1900, 2.6),
            ("Footrest", 4900, 2.2),
            ("Seat Cushion", 5600, 2.4),
            ("Office Chair", 28900, 1.8),
            ("Office Chair, Mesh", 36900, 1.1),
            ("Standing Desk", 54900, 0.9),
            ("Standing Desk Converter", 21900, 1.3),
            ("Desk, Walnut", 42900, 0.6),
            ("Monitor Arm", 11900, 2.6),
            ("Monitor, 27 Inch", 31900, 1.0),
            ("Docking Station", 17900, 1.4),
            ("Document Shredder", 12900, 0.9),
            ("Label Printer", 9900, 1.2),
            ("Paper, 5 Reams", 3200, 3.4),
            ("Backpack", 8400, 2.4),
            ("Laptop Sleeve", 3600, 3.0),
            ("Air Purifier", 15900, 1.0),
        ),
        start=1,
    )
)

LANDING_PATHS = (
    ("/", 0.46),
    ("/products", 0.24),
    ("/offers", 0.12),
    ("/journal/a-calmer-desk", 0.10),
    ("/journal/standing-or-sitting", 0.08),
)
