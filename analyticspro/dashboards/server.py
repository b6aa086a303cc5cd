"""The page server: Voilà, made to serve the dashboards of one workspace to those signed in.

Of Voilà it keeps the kernels, the renderer and the browser's part; its tree, its file
serving, its themes and its listing of notebooks have no address here.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import shlex
import shutil
import signal
import tempfile
from datetime import timedelta
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import jinja2
from jupyter_server.base.handlers import FileFindHandler
from jupyter_server.services.kernels.handlers import KernelHandler
from jupyter_server.utils import ApiPath
from tornado import web
from tornado.ioloop import PeriodicCallback
from traitlets.config import Config
from voila import __version__ as voila_version
from voila.app import Voila
from voila.paths import collect_static_paths
from voila.shutdown_kernel_handler import VoilaShutdownKernelHandler
from voila.tornado.kernel_websocket_handler import VoilaKernelWebsocketHandler
from voila.utils import get_page_config

from analyticspro import notebooks as shipped
from analyticspro.config import Addresses, Home
from analyticspro.dashboards import as_another, handlers
from analyticspro.dashboards.compositions import Compositions
from analyticspro.dashboards.dashboard_page import Asset, DashboardPage
from analyticspro.dashboards.gate import FONTS, GatedApplication
from analyticspro.dashboards.gathering import Api
from analyticspro.dashboards.hub_identity import HubIdentity
from analyticspro.dashboards.identity import CookieIdentity, api_url, cookie_secret, token_of
from analyticspro.dashboards.kernels import (
    KERNEL_NAME,
    MOST_KERNELS,
    OwnPython,
    PageKernels,
    composing_environment,
    kernel_environment,
)
from analyticspro.dashboards.live_socket import LiveSocket
from analyticspro.dashboards.page_files import version
from analyticspro.dashboards.painters import Painters
from analyticspro.dashboards.rendering import PageRenderer
from analyticspro.dashboards.rooms import Rooms
from analyticspro.dashboards.shell import Shells, title
from analyticspro.dashboards.viewing import Viewing
from analyticspro.errors import ServiceUnavailable

if TYPE_CHECKING:
    from tornado.httputil import HTTPServerRequest

__all__ = ["DashboardServer"]

_LOOK_AT_SESSIONS_EVERY = timedelta(seconds=3)
_HERE = Path(__file__).parent
_TEMPLATES = _HERE / "templates" / "voila" / "analyticspro"
_EXTENSIONS = [
    "anywidget",
    "@jupyter-widgets/jupyterlab-manager",
    "@voila-dashboards/widgets-manager8",
]
_NOT_NEEDED = ["@jupyterlab/mathjax2-extension"]  # from another host; its successor is bundled
_KERNEL = r"(?P<kernel_id>\w+-\w+-\w+-\w+-\w+)"


class DashboardServer(Voila):  # type: ignore[misc]
    """One page server of one workspace."""

    home: Home
    folder: Path
    # Whose each kernel is, by the token that its figures are asked for with.
    kernel_tokens: dict[str, str]

    @classmethod
    def of(
        cls, home: Home, notebooks: Path | None = None, *, most_pages: int = MOST_KERNELS
    ) -> DashboardServer:
        """Return the server of a home, not yet listening.

        Args:
            home: The workspace; its settings say where to listen.
            notebooks: The folder to serve, else the shipped dashboards.
            most_pages: How many pages may be open at once; each has a kernel of its own.
        """
        folder = (notebooks or shipped.folder() / "dashboards").resolve()
        server = cls(
            config=_voila_settings(most_pages),
            ip=Addresses.of(home).inner_host,
            port=home.settings.port,
            root_dir=str(folder),
            config_file_paths=[],
            open_browser=False,
        )
        server.home, server.folder, server.kernel_tokens = home, folder, {}
        server.cookie_secret = cookie_secret(home)
        server.pages = jinja2.Environment(
            loader=jinja2.FileSystemLoader([_TEMPLATES, _HERE / "assets"]),
            autoescape=True,
            enable_async=False,
        )
        server.initialize([])
        return server

    pages: jinja2.Environment
    compositions: Compositions
    viewing: Viewing
    shells: Shells
    rooms: Rooms
    prefix = "/"  # below it is every address

    @property
    def link_command(self) -> str:
        """What to type for a sign-in link."""
        return f"analyticspro --home {shlex.quote(str(self.home.path))} link"

    @property
    def status_command(self) -> str:
        """What to type to see how the services are."""
        return f"analyticspro --home {shlex.quote(str(self.home.path))} status"

    def notebooks(self) -> dict[str, Path]:
        """Return the dashboards there are now: name in the address → file."""
        return {file.stem: file for file in sorted(self.folder.glob("*.ipynb"))}

    def title(self, notebook: Path) -> str:
        """Return what a dashboard is called, the file's name if it cannot be read."""
        return title(notebook)

    def setup_template_dirs(self) -> None:
        """Find our template beside this file and Voilà's scripts where pip put them."""
        self.template_paths = [str(_TEMPLATES)]
        self.static_paths = collect_static_paths(["voila"], "base")

    def init_settings(self) -> dict[str, Any]:
        """Return the settings of the web application."""
        settings: dict[str, Any] = super().init_settings()
        hub = HubIdentity(self.home, self.cookie_secret)
        identity = CookieIdentity.for_port(self.port, self.cookie_secret, hub=hub, parent=self)
        self.identity_provider = self.authorizer.identity_provider = identity
        self.shells = Shells(self.home, identity)
        return settings | {
            "identity_provider": identity,
            "dashboards": self,
            "allow_remote_access": self.ip not in ("127.0.0.1", "localhost", "::1"),
            "local_hostnames": ["localhost", urlsplit(hub.pages).hostname],
            "compress_response": True,
            "default_handler_class": handlers.NotFound,
            "log_function": self._log_request,
            "static_immutable_cache": [self._static],
            "headers": {"Referrer-Policy": "same-origin"},
        }

    def _log_request(self, handler: web.RequestHandler) -> None:
        """Log a request without its query, which may hold a sign-in code; no health checks."""
        request, status = handler.request, handler.get_status()
        if isinstance(handler, handlers.Health):
            return
        write = self.log.warning if status >= 500 else self.log.info
        milliseconds = 1000 * request.request_time()
        write("%d %s %s %.0f ms", status, request.method, request.path, milliseconds)

    def init_handlers(self) -> list[Any]:
        """Return every address there is; what is not here does not exist."""
        return [
            (r"/", handlers.Start),
            (r"/dashboards/?", handlers.Start),
            (r"/dashboards/([^/]+)", DashboardPage),
            (r"/live/([^/]+)", LiveSocket),
            (r"/signin", handlers.SignIn),
            (r"/view-as/?", as_another.EnterView),
            (r"/view-as/leave", as_another.LeaveView),
            (r"/oauth_callback", handlers.ComeBack),
            (r"/signout", handlers.SignOut),
            (r"/healthz", handlers.Health),
            (r"/readyz", handlers.Health),
            (rf"/api/kernels/{_KERNEL}", KernelHandler),
            (rf"/api/kernels/{_KERNEL}/channels", VoilaKernelWebsocketHandler),
            (rf"/voila/api/shutdown/{_KERNEL}", VoilaShutdownKernelHandler),
            (rf"{self.assets}([\w.-]+)", Asset),
            (rf"{self._static}/base/(.*)", FileFindHandler, {"path": self.static_paths}),
            (rf"{self._static}/more/(.*)", FileFindHandler, {"path": self.labextensions_path}),
            (rf"{FONTS}([\w.-]+)", web.StaticFileHandler, {"path": str(_HERE / "assets/fonts")}),
        ]

    @property
    def assets(self) -> str:
        """Where the files of a drawn page are; their version is in it."""
        return f"{self.prefix}assets/{version()}/"

    @property
    def _static(self) -> str:
        """Where the browser's part is; the versions are in it, so that it can be kept for good."""
        versions = f"{voila_version} {metadata.version('anywidget')}"
        return f"/voila/{hashlib.sha256(versions.encode()).hexdigest()[:8]}"

    def renderer(self, handler: web.RequestHandler, notebook: str) -> PageRenderer:
        """Return what runs a notebook and writes it out."""
        return PageRenderer(
            request_handler=handler,
            voila_configuration=self.voila_configuration,
            traitlet_config=self.config,
            notebook_path=notebook,
            template_paths=self.template_paths,
            contents_manager=self.contents_manager,
            base_url=self.base_url,
            kernel_spec_manager=self.kernel_spec_manager,
            page_config=self._page_config,
        )

    async def start_kernel(self, request: HTTPServerRequest, more: dict[str, str]) -> str:
        """Start the kernel of one page, which finds `more` in its environment; return its id."""
        kernels: PageKernels = self.kernel_manager
        token = token_of(self.home, self.identity_provider, request) or ""  # "" is nobody's
        persons = None if token == self.home.token() else token
        env = kernel_environment(self.home, persons, path=request.path, query=request.query)
        env |= more
        kernel = await kernels.start_kernel(kernel_name=KERNEL_NAME, path=ApiPath(""), env=env)
        self.kernel_tokens[kernel] = token
        return kernel

    async def end_kernels(self, *, of: str | None = None) -> None:
        """End the kernels of a token, or those of all whose session has ended meanwhile."""
        hub: HubIdentity = self.identity_provider.hub
        for kernel, token in list(self.kernel_tokens.items()):
            if kernel not in self.kernel_manager:
                self.kernel_tokens.pop(kernel, None)
            elif token == of or (token != self.home.token() and await _has_ended(hub, token)):
                await self.kernel_manager.end(kernel)

    def start(self) -> None:
        """Serve until SIGTERM or SIGINT; no kernel outlives this call."""
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        asked_to_stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, asked_to_stop.set)
        self.connection_dir = tempfile.mkdtemp(prefix="analyticspro-kernels-")
        record = self.home.path / "run" / "dashboards.json"
        try:
            self.app = GatedApplication(**self.init_settings())
            self._page_config = self._make_page_config()
            self.app.add_handlers(".*$", self.init_handlers())
            await self._prepare_to_draw()
            listening = self.app.listen(self.port, self.ip)
            record.write_text(json.dumps({"url": self._url(self.ip), "pid": os.getpid()}))
            self.log.info("Dashboards of %s at %s", self.home.path, self._url(self.ip))
            looking = PeriodicCallback(self.end_kernels, _LOOK_AT_SESSIONS_EVERY)
            looking.start()
            await asked_to_stop.wait()
            looking.stop()
            listening.stop()
            await self.kernel_manager.shutdown_all(now=True)
        finally:
            await self._stop_drawing()
            record.unlink(missing_ok=True)
            shutil.rmtree(self.connection_dir, ignore_errors=True)

    async def _prepare_to_draw(self) -> None:
        env = composing_environment()
        self._painters = Painters(env)
        self.compositions = Compositions(env, self.log)
        api = Api(lambda: api_url(self.home))
        self.viewing = Viewing(api, self._painters.paint, self.assets, self.log)
        self.rooms = Rooms(self.viewing)
        # So that the first viewer need not wait for it; a failure is told to who looks.
        self._composed_ahead = asyncio.gather(
            *(self.compositions.of(notebook) for notebook in self.notebooks().values()),
            return_exceptions=True,
        )

    async def _stop_drawing(self) -> None:
        if hasattr(self, "rooms"):
            await self.rooms.close()
            await self.compositions.close()
            self._painters.close()

    def _make_page_config(self) -> dict[str, Any]:
        config: dict[str, Any] = get_page_config(
            base_url=self.base_url,
            settings=self.app.settings,
            log=self.log,
            voila_configuration=self.voila_configuration,
        )
        return config | {
            "fullStaticUrl": f"{self._static}/base",
            "fullLabextensionsUrl": f"{self._static}/more",
            "disabledExtensions": [*config.get("disabledExtensions", []), *_NOT_NEEDED],
        }


async def _has_ended(hub: HubIdentity, token: str) -> bool:
    try:
        viewer = await hub.who(token)
    except ServiceUnavailable:
        return False  # it is asked again in a moment
    return viewer is None or not viewer.may_look


def _voila_settings(most_pages: int) -> Config:
    return Config(
        {
            "VoilaConfiguration": {
                "template": "analyticspro",
                "allow_template_override": "NO",
                "allow_theme_override": "NO",
                "show_tracebacks": False,
                "file_allowlist": [],
                "extension_allowlist": _EXTENSIONS,
                "multi_kernel_manager_class": PageKernels,
                "kernel_spec_manager_class": OwnPython,
                "attempt_fix_notebook": False,
            },
            "PageKernels": {"most": most_pages},
            # A kernel that died is not started again: it would be an empty one.
            "KernelRestarter": {"restart_limit": 0},
        }
    )
