"""The address of a dashboard: drawn if it only declares its figures, else run for its viewer."""

from __future__ import annotations

import difflib
import gzip
import json
from pathlib import Path

from markupsafe import Markup
from tornado import web
from tornado.ioloop import IOLoop
from tornado.iostream import StreamClosedError

from analyticspro.client.viewing import headers_for, variables
from analyticspro.dashboards import as_another
from analyticspro.dashboards.compositions import Composed, Failed
from analyticspro.dashboards.handlers import Page
from analyticspro.dashboards.page_files import page_files
from analyticspro.dashboards.rendering import PageFailed
from analyticspro.dashboards.viewing import Look
from analyticspro.dashboards.widths import widths

__all__ = ["Asset", "DashboardPage"]

_DRAWN_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)


class Asset(web.RequestHandler):
    """A file of a drawn page, under an address that changes with its content."""

    def get(self, name: str) -> None:
        """Send the file, to be kept for good."""
        file = page_files().get(name)
        if file is None:
            raise web.HTTPError(404)
        self.set_header("Content-Type", file.type)
        self.set_header("Cache-Control", "public, max-age=31536000, immutable")
        self.set_header("X-Content-Type-Options", "nosniff")
        send_zipped(self, file.content) if file.is_zipped else self.finish(file.content)


def send_zipped(handler: web.RequestHandler, content: bytes) -> None:
    """Finish with content in gzip, unzipped for the rare client that cannot read that."""
    handler.set_header("Vary", "Accept-Encoding")
    if "gzip" in handler.request.headers.get("Accept-Encoding", ""):
        handler.set_header("Content-Encoding", "gzip")
        handler.finish(content)
    else:
        handler.finish(gzip.decompress(content))


class DashboardPage(Page):
    """One notebook of the dashboards folder, as this visitor may see it."""

    _kernel_id: str | None = None
    _seen: as_another.Banner | None = None  # as somebody else
    _is_drawn = False

    @property
    def content_security_policy(self) -> str:
        """Of a page that was drawn here: our own files, and nothing else."""
        if not self._is_drawn:
            return super().content_security_policy
        return f"{_DRAWN_POLICY}; {self.form_policy}"

    @web.authenticated
    async def get(self, name: str) -> None:
        """Answer with what the notebook declares, or else run it for this visitor."""
        notebooks = self.server.notebooks()
        self.shell = await self.server.shells.of(self.request, notebooks)
        notebook = notebooks.get(name)
        if notebook is None:
            self._suggest(name)
            return
        outcome = await self.server.compositions.of(notebook)
        if isinstance(outcome, Failed):
            self.say(500, outcome.title, outcome.message, link=(self.request.uri, "Load again"))
        elif isinstance(outcome, Composed):
            await self._draw(outcome)
        else:
            # Here tiers 2 and 3 part, once a notebook that only reads is run once for all who
            # may see the same: until then both have a kernel for each viewer.
            await self._run_for_viewer(name, notebook)

    async def _draw(self, composed: Composed) -> None:
        given = {key: values[-1].decode(errors="replace") for key, values in self._query().items()}
        seen, more, banner = await self._seen_as(), {}, ""
        if seen is not None:
            more = headers_for(as_another.viewed_as(self), str(self.request.path))
            banner = self.server.pages.get_template("as_another.html.j2").render(viewing=seen)
        look = Look(
            composed,
            composed.page.asked(given),
            widths(self.get_cookie("analyticspro-width", "")),
            self.token,
            tuple(sorted(more.items())),
        )
        ready = await self.server.viewing.view(look)
        self._is_drawn = True
        self.set_header("Content-Security-Policy", self.content_security_policy)
        self.set_header("Vary", "Accept, Cookie")
        if "application/json" not in self.request.headers.get("Accept", ""):
            self.set_header("Content-Type", "text/html; charset=utf-8")
            send_zipped(self, ready.document.around(banner + self.shell))
        elif self.request.headers.get("If-None-Match") == f'"{ready.mark}"':
            self.set_status(304)
            self.finish()
        else:
            self.set_header("Content-Type", "application/json")
            self.set_header("Etag", f'"{ready.mark}"')
            send_zipped(self, ready.parts)

    async def _seen_as(self) -> as_another.Banner | None:
        return await as_another.banner(self, self.server.home, self.token)

    def _query(self) -> dict[str, list[bytes]]:
        return self.request.query_arguments

    async def _run_for_viewer(self, name: str, notebook: Path) -> None:
        """Send the empty frame of the page at once, then what the notebook shows."""
        if not self.server.kernel_manager.has_room():
            self.set_header("Retry-After", "30")
            self.say(
                503,
                "Too many pages are open",
                f"At most {self.server.kernel_manager.most} can be open at once. "
                "Close one, then load this again.",
                link=(self.request.path, "Load again"),
            )
            return
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.xsrf_token  # noqa: B018  sets the cookie by which the page may say it was closed
        frame = self.server.pages.get_template("frame.html.j2")
        self._seen = await self._seen_as()
        title = self.server.title(notebook)
        self.write(
            frame.render(
                title=title, nonce=self.nonce, viewing=self._seen, shell=Markup(self.shell)
            )
        )
        try:
            await self.flush()
            await self._run(str(notebook))
        except PageFailed as failure:
            self.log.error("Page %s: %s\n%s", name, failure.title, failure.reason)
            await self._fail(failure.title, failure.message)
        except StreamClosedError:
            await self._end_kernel()
        except Exception:  # the frame is out already, so the page itself must say it
            self.log.exception("Page %s", name)
            await self._fail(
                "Something went wrong", "The reason is in the log of the service 'dashboards'."
            )

    def on_connection_close(self) -> None:
        """End the kernel of a visitor who left before the page was done."""
        IOLoop.current().add_callback(self._end_kernel)

    async def _run(self, notebook: str) -> None:
        renderer = self.server.renderer(self, notebook)
        await renderer.initialize()
        seen_as = as_another.viewed_as(self) if self._seen is not None else None
        passed_on = variables(seen_as, str(self.request.path))
        self._kernel_id = await self.server.start_kernel(self.request, passed_on)
        renderer.resources |= {"nonce": self.nonce, "kernel_id": self._kernel_id}
        async for html in renderer.parts(self.server.kernel_manager, self._kernel_id):
            self.write(html)
            await self.flush()

    async def _fail(self, title: str, message: str) -> None:
        await self._end_kernel()
        words = json.dumps([title, message]).replace("<", "\\u003c")
        self.write(f'<script nonce="{self.nonce}">analyticspro.fail(...{words})</script>')

    async def _end_kernel(self) -> None:
        if self._kernel_id is not None:
            await self.server.kernel_manager.end(self._kernel_id)

    def _suggest(self, name: str) -> None:
        known = self.server.notebooks()
        near = difflib.get_close_matches(name.casefold(), list(known), n=1, cutoff=0.5)
        chosen = near[0] if near else "overview"
        words = "Did you mean this one?" if near else "These are there:"
        links = [chosen] if near else sorted(known)
        self.say(
            404,
            f"There is no dashboard “{name}”",
            words if known else "There is none yet.",
            links=[(f"/dashboards/{item}", self.server.title(known[item])) for item in links],
        )
