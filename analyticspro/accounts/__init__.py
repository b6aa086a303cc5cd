"""Persons: how they join, come in, recover and go, on the state database."""

from analyticspro.accounts.accounts import Accounts
from analyticspro.accounts.desk import OneTime
from analyticspro.accounts.entering import NewSession
from analyticspro.accounts.joining import NextStep
from analyticspro.accounts.passwords import Passwords
from analyticspro.accounts.provided import Proof, Provided
from analyticspro.accounts.rules import Rules
from analyticspro.accounts.strikes import TooManyAttempts
from analyticspro.state import Link, LinkKind, Person, Presence, SignedIn, Standing

__all__ = [
    "Accounts",
    "Link",
    "LinkKind",
    "NewSession",
    "NextStep",
    "OneTime",
    "Passwords",
    "Person",
    "Presence",
    "Proof",
    "Provided",
    "Rules",
    "SignedIn",
    "Standing",
    "TooManyAttempts",
]
