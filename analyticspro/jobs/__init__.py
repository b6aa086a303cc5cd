"""What schedules run, and the process that runs it."""

from analyticspro.jobs.declarations import declared, follow
from analyticspro.jobs.work import jobs

__all__ = ["declared", "follow", "jobs"]
