"""Demo data: a believable company, seeded and deterministic.

Alder & Finch sells things for desks and small offices in twelve countries. Its story:

- It grows by 4 to 5 % a month, faster in Brazil and India, slower in Sweden; customers
  sign up, come back for a while and leave, free accounts sooner than business ones.
- It sells most on Tuesdays and during office hours of the customer's own country, little
  at weekends; summers are slow, November and December busy, and the four days from
  Black Friday are the best of the year.
- About 3 % of orders are cancelled, within days, and 2 % refunded, within three weeks.

What went wrong, or strangely right, counted back from the end of the data (`incidents`
gives the exact times):

- Payment outage, on the Tuesday 5 weeks ago: for 9 hours from 13:00 UTC people came and
  nobody could pay.
- Tracking outage, on the Wednesday 9 weeks ago: for 6 hours from 08:00 UTC no session and
  no page was recorded; orders still were, without their session.
- Faulty batch, the calendar week 10 weeks ago: about 9 % of its orders were cancelled.
- Viral weekend, 16 weeks ago: three times the usual sessions, most of them of strangers
  from social media; more sign-ups, and hardly an extra order.
"""

from analyticspro.demo.company import COMPANY, CURRENCY
from analyticspro.demo.generation import generate
from analyticspro.demo.rhythm import Incidents, incidents

__all__ = ["COMPANY", "CURRENCY", "Incidents", "generate", "incidents"]
