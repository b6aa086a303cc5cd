"""The state database: what the platform itself has to remember, beside the data.

SQLite in the home by default, PostgreSQL by one setting; the only SQLAlchemy beside the SQL
connector.
"""

from analyticspro.state.alert_records import Alert, AlertState, Entry, Notice, RuleRow, Silence
from analyticspro.state.alert_table import AlertTable
from analyticspro.state.audit_records import AuditRow
from analyticspro.state.audit_table import AuditTable
from analyticspro.state.database import State
from analyticspro.state.entering import LinkTable, SessionTable, StrikeTable
from analyticspro.state.failures import LeaseLost, StateError
from analyticspro.state.grants import GrantRow, GrantTable
from analyticspro.state.identities import IdentityTable
from analyticspro.state.mail_records import Mail, MailState
from analyticspro.state.mails import MailStore
from analyticspro.state.people import PeopleTable
from analyticspro.state.people_records import Link, LinkKind, Person, Presence, SignedIn, Standing
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
    "Alert",
    "AlertState",
    "AlertTable",
    "Attempt",
    "AuditRow",
    "AuditTable",
    "Change",
    "Ending",
    "Entry",
    "GrantRow",
    "GrantTable",
    "IdentityTable",
    "LeaseLost",
    "Link",
    "LinkKind",
    "LinkTable",
    "Mail",
    "MailState",
    "MailStore",
    "Notice",
    "Origin",
    "Outcome",
    "PeopleTable",
    "Person",
    "Presence",
    "RuleRow",
    "Run",
    "RunState",
    "RunStore",
    "Schedule",
    "ScheduleStore",
    "SessionTable",
    "SignedIn",
    "Silence",
    "Standing",
    "State",
    "StateError",
    "StrikeTable",
    "Turn",
    "Write",
]
