"""The demo company's systems, and how they are declared as sources.

`analyticspro.demo` tells the story; here it is written down as a company's systems would: a
database, files, logs, an API. They are then synced as anybody's are.
"""

from analyticspro.demo_company.company import Company
from analyticspro.demo_company.declared import NAMES, declarations
from analyticspro.demo_company.marks import Marks
from analyticspro.demo_company.ownership import are_own, sync_up

__all__ = ["NAMES", "Company", "Marks", "are_own", "declarations", "sync_up"]
