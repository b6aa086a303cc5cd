"""The processes of a workspace: started, watched and stopped together."""

from analyticspro.services.ending import check_stopped, down
from analyticspro.services.starting import up
from analyticspro.services.states import Running, ServiceStatus, State, address, status
from analyticspro.services.table import SERVICES, Service
from analyticspro.services.units import units

__all__ = [
    "SERVICES",
    "Running",
    "Service",
    "ServiceStatus",
    "State",
    "address",
    "check_stopped",
    "down",
    "status",
    "units",
    "up",
]
