"""The story of a made-up company: believable, seeded and deterministic.

Alder & Finch lets pictures be made in a style of one's choice. Agencies, its partners, run
booths at weddings and parties, people at home use its app, and a shop sells prints, frames
and what a booth needs. Its story has 18 months of past when it is begun, and 12 to come:

- The shop sells in twelve countries and grows by 4 to 5 % a month, faster in Brazil and
  India, slower in Sweden. It sells most on Tuesdays and in office hours of the customer's
  own country; summers are slow, and the four days from Black Friday are the best of the
  year. About 3 % of orders are cancelled, within days, 2 % refunded, within three weeks.
- Accounts on a paid plan have a subscription, by the month or the year; some change plan or
  seats, and all end some day.
- Partners apply, are approved, sign contracts of a year, are suspended now and then, leave.
  Credits are granted by contract or bought, set aside for an event, used by its pictures;
  what is left comes back. Weddings are in summer, companies celebrate before the year ends.
- People at home get three credits, buy packs, and come back in the evening and at weekends.
- Styles are added and retired; customers ask for support; machines answer and are checked.

What went wrong, or strangely right, counted back from when it was begun (`incidents` gives
the exact times):

- Faulty release, two days ago: for 40 minutes from 10:00 UTC every ninth request failed, and
  the others took four times as long.
- Break-in, four days ago: for 50 minutes from 02:00 UTC someone tried an admin's password.
- Generation outage, on a Saturday 2 weeks ago: for 95 minutes from 18:00 UTC almost no
  picture came out, while events were being held; then partners wrote to the support.
- Payment outage, on the Tuesday 5 weeks ago: for 9 hours from 13:00 UTC people came and
  nobody could pay, neither in the shop nor in the app nor for a subscription.
- Tracking outage, on the Wednesday 9 weeks ago: for 6 hours from 08:00 UTC no session and
  no page was recorded; orders still were, without their session.
- Faulty batch, the calendar week 10 weeks ago: about 9 % of its orders were cancelled.
- Viral weekend, 16 weeks ago: three times the usual sessions, most of them of strangers
  from social media; more sign-ups, and hardly an extra order.

Behind the present, a release goes wrong for nine minutes every 31 hours.
"""

from analyticspro.demo.company import COMPANY, CURRENCY
from analyticspro.demo.rhythm import Incidents, incidents
from analyticspro.demo.tale import STREAMS, Tale, tell

__all__ = ["COMPANY", "CURRENCY", "STREAMS", "Incidents", "Tale", "incidents", "tell"]
