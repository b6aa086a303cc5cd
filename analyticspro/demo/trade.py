"""What partners and people at home deal in: kinds of events, contracts, styles, packs."""

from __future__ import annotations

from typing import NamedTuple

__all__ = [
    "KINDS",
    "PACKS",
    "PARTNERS_PER_EVENT",
    "PARTNER_NAMES",
    "STYLES",
    "TIERS",
    "Kind",
    "Pack",
    "Style",
    "Tier",
]

PARTNERS_PER_EVENT = 0.0002


class Kind(NamedTuple):
    """A kind of event: when it is held (Monday to Sunday, January to December) and how large."""

    name: str
    share: float
    guests: int
    weekdays: tuple[float, ...]
    months: tuple[float, ...]


class Tier(NamedTuple):
    """A kind of contract: what it costs a year, in cents, and how many events are held a month.

    Attributes:
        covers: Which share of the credits that a partner needs comes with the contract.
    """

    name: str
    share: float
    value: int
    events: float
    covers: float


class Style(NamedTuple):
    """A style of pictures; months are counted from the first event of the story.

    Attributes:
        added: None: it was there before.
        retired: None: it is offered to the end.
    """

    name: str
    category: str
    popularity: float
    added: float | None = None
    retired: float | None = None


class Pack(NamedTuple):
    """Credits for people at home, the price in cents."""

    name: str
    credits: int
    price: int
    share: float


_EVENINGS = (0.3, 0.5, 0.7, 1.0, 1.8, 2.2, 0.5)
KINDS = (
    Kind(
        *("wedding", 0.40, 95, (0.2, 0.2, 0.2, 0.3, 1.2, 3.6, 1.3)),
        (0.3, 0.4, 0.6, 0.9, 1.5, 1.8, 1.6, 1.7, 1.7, 1.2, 0.5, 0.4),
    ),
    Kind(
        *("corporate", 0.35, 120, (0.9, 1.5, 1.6, 1.8, 1.0, 0.2, 0.1)),
        (0.8, 0.9, 1.0, 1.0, 1.0, 0.9, 0.5, 0.5, 1.5, 1.6, 1.7, 1.3),
    ),
    Kind(
        "party", 0.25, 60, _EVENINGS, (0.9, 1.4, 0.9, 0.8, 0.9, 1.0, 0.9, 0.9, 0.8, 1.1, 0.9, 2.1)
    ),
)

TIERS = (
    Tier("starter", 0.50, 240_000, 0.7, 0.7),
    Tier("pro", 0.35, 600_000, 1.8, 0.8),
    Tier("premium", 0.15, 1_800_000, 6.0, 0.95),
)

STYLES = (
    Style("Oil Portrait", "classic", 9.0),
    Style("Watercolour", "classic", 8.0),
    Style("Charcoal", "classic", 3.0),
    Style("Renaissance", "classic", 5.0),
    Style("Film Noir", "cinema", 5.5),
    Style("Space Opera", "cinema", 6.5),
    Style("Western", "cinema", 2.5),
    Style("Silent Movie", "cinema", 1.2, None, 11.0),
    Style("Manga", "comic", 7.5),
    Style("Pop Art", "comic", 6.0),
    Style("Newspaper Strip", "comic", 2.0),
    Style("Pixel Hero", "comic", 4.0),
    Style("Gala Night", "glamour", 5.0),
    Style("Roaring Twenties", "glamour", 6.0),
    Style("Studio Headshot", "glamour", 7.0, 3.0),
    Style("Vintage Polaroid", "glamour", 4.5),
    Style("Fairy Forest", "fantasy", 5.5, 2.0),
    Style("Ice Kingdom", "fantasy", 3.5, 7.0),
    Style("Steampunk", "fantasy", 2.0, None, 14.0),
    Style("Dragon Rider", "fantasy", 4.0, 10.0),
    Style("Clay Figure", "toy", 8.5, 12.0),
    Style("Knitted", "toy", 3.0, 15.0),
    Style("Action Figure", "toy", 7.0, 16.0),
    Style("Paper Cut", "toy", 1.0, None, 16.5),
    Style("Valentine", "season", 1.5),
    Style("Winter Market", "season", 2.5, 5.0),
    Style("Neon City", "cinema", 5.0, 19.5),
    Style("Stained Glass", "classic", 3.5, 22.0),
)

PACKS = (
    Pack("Pocket", 10, 499, 0.58),
    Pack("Album", 50, 1_999, 0.30),
    Pack("Studio", 200, 6_999, 0.108),
    Pack("Agency", 2_500, 59_900, 0.012),
)

# A partner is called by one of each, and where a name comes again, by a number besides.
PARTNER_NAMES = (
    (
        *("Lantern", "Velvet", "Harbour", "Juniper", "Copper", "Meadow", "Northlight", "Saffron"),
        *("Willow", "Marble", "Amber", "Cobalt", "Orchard", "Sparrow", "Tandem", "Quill"),
    ),
    ("Events", "Booths", "Weddings", "Studio", "Agency", "Moments", "Collective"),
)
