"""Schedules: when something is due, who runs it, and what is kept of it.

    schedules = Schedules(state)
    schedules.put(Definition("nightly sync", "sync", Cron("30 2 * * *", "Europe/London")), …)
    Scheduler(state, {"sync": sync_job}, "main").run(stop)

What is promised, and why it holds: docs/decisions/0007-scheduling.md.
"""

from analyticspro.scheduling.definition import Definition, Misfire, MisfirePolicy, Retries
from analyticspro.scheduling.jobs import Halt, Job, RunContext
from analyticspro.scheduling.scheduler import Scheduler
from analyticspro.scheduling.schedules import Schedules
from analyticspro.scheduling.triggers import Cron, Interval, Trigger, slots

__all__ = [
    "Cron",
    "Definition",
    "Halt",
    "Interval",
    "Job",
    "Misfire",
    "MisfirePolicy",
    "Retries",
    "RunContext",
    "Scheduler",
    "Schedules",
    "Trigger",
    "slots",
]
