"""Lets the demo company's story go on in real time, as a service of a demo workspace."""

from analyticspro.feeder.going import go_on

__all__ = ["go_on"]
