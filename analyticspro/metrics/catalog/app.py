"""People at home, who use the app: accounts, activity, credit packs.

Source: semantics.md, Partner and B2C platform, Active users.
"""

from __future__ import annotations

from analyticspro.metrics.model import Aggregation, Simple, Trailing, Unit

__all__ = ["METRICS"]

_DIMENSIONS = ("country", "plan", "source")

APP_SIGN_UPS = Simple(
    name="app_sign_ups",
    title="App sign-ups",
    meaning="Distinct people at home who made an account.",
    unit=Unit.COUNT,
    better="higher",
    dimensions=_DIMENSIONS,
    events=("app_account_created",),
    aggregation=Aggregation.COUNT_DISTINCT,
    column="user_id",
)
ACTIVE_APP_USERS = Simple(
    name="active_app_users",
    title="Active app users",
    meaning="Distinct people at home for whom a picture was made in the bucket.",
    unit=Unit.COUNT,
    better="higher",
    dimensions=_DIMENSIONS,
    events=("app_picture_generated",),
    aggregation=Aggregation.COUNT_DISTINCT,
    column="user_id",
)
MONTHLY_APP_USERS = Trailing(
    name="monthly_app_users",
    title="Monthly app users",
    meaning="Distinct people at home for whom a picture was made in the 30 days that end with the "
    "bucket's last day.",
    unit=Unit.COUNT,
    better="higher",
    dimensions=_DIMENSIONS,
    of=ACTIVE_APP_USERS,
    days=30,
)
CREDIT_PACK_REVENUE = Simple(
    name="credit_pack_revenue",
    title="Credit pack revenue",
    meaning="Paid for credit packs by people at home. Revenue, and never part of the monthly "
    "recurring.",
    unit=Unit.MONEY,
    better="higher",
    dimensions=(*_DIMENSIONS, "currency", "product"),
    tags=("revenue",),
    events=("credit_pack_purchased",),
    aggregation=Aggregation.SUM,
    column="amount_minor",
)

METRICS = (
    APP_SIGN_UPS,
    ACTIVE_APP_USERS,
    MONTHLY_APP_USERS,
    CREDIT_PACK_REVENUE,
)
