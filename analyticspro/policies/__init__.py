"""Who is granted what: kept in the state database, every change of it in the audit log."""

from analyticspro.policies.holders import Holder
from analyticspro.policies.policies import Policies, Stored

__all__ = ["Holder", "Policies", "Stored"]
