"""The state database: what the platform itself has to remember, beside the data.

SQLite in the home by default, PostgreSQL by one setting; the only SQLAlchemy beside the SQL
connector.
"""

from analyticspro.state.database import State
from analyticspro.state.failures import LeaseLost, StateError
from analyticspro.state.records import (
    Attempt,
    Change,
    Origin,
    Outcome,
    Run,
    RunState,
    Schedule,
)
from analyticspro.state.runs import Ending, RunStore, Write
from analyticspro.state.schedules import ScheduleStore
from analyticspro.state.turn import Turn

__all__ = [
    "Attempt",
    "Change",
    "Ending",
    "LeaseLost",
    "Origin",
    "Outcome",
    "Run",
    "RunState",
    "RunStore",
    "Schedule",
    "ScheduleStore",
    "State",
    "StateError",
    "Turn",
    "Write",
]
