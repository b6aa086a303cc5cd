"""The data service over HTTP."""

from analyticspro.api.app import make_app

__all__ = ["make_app"]
