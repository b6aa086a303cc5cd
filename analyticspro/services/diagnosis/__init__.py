"""What is wrong with a workspace, and what to do about it. Looks only; changes nothing."""

from analyticspro.services.diagnosis.examination import examine
from analyticspro.services.diagnosis.finding import Finding

__all__ = ["Finding", "examine"]
