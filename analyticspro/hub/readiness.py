"""Whether the hub can work, for whoever started it."""

from __future__ import annotations

from jupyterhub.app import JupyterHub
from tornado.web import RequestHandler

__all__ = ["Ready"]


class Ready(RequestHandler):
    """Open to all, like the hub's own `/health`, which answers before the proxy knows the ways."""

    def get(self) -> None:
        """Answer 200 once people can come in."""
        started = getattr(JupyterHub.instance(), "_start_future", None)
        self.set_status(200 if started is not None and started.done() else 503)
