"""The Python processes behind the pages: which Python, which environment, how many."""

from __future__ import annotations

import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

from ipykernel.kernelspec import RESOURCES
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager
from traitlets import Bool, Integer

from analyticspro.config import Home, Settings, environment

__all__ = [
    "KERNEL_NAME",
    "MOST_KERNELS",
    "OwnPython",
    "PageKernels",
    "composing_environment",
    "kernel_environment",
]

KERNEL_NAME = "python3"
MOST_KERNELS = 24
_PASSED_ON = (
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "LANG",
    "LANGUAGE",
    "TZ",
    "TMPDIR",
    "VIRTUAL_ENV",
    "CONDA_PREFIX",
    "LD_LIBRARY_PATH",
    "DYLD_LIBRARY_PATH",
    "PYTHONPATH",
    "PYTHONPYCACHEPREFIX",
    "SYSTEMROOT",
)


class OwnPython(KernelSpecManager):
    """Offers one kernel: this very Python.

    Jupyter would prefer a kernel of the same name in the person's own folders, which may
    be another Python without AnalyticsPro in it.
    """

    def find_kernel_specs(self) -> dict[str, str]:
        """Return the one name and the folder of its icons."""
        return {KERNEL_NAME: str(RESOURCES)}

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        """Return the one kernel, whatever name a notebook was saved with."""
        return KernelSpec(
            argv=[
                *(sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"),
                "--HistoryManager.enabled=False",
            ],
            display_name="Python 3",
            language="python",
            resource_dir=str(RESOURCES),
        )

    def get_all_specs(self) -> dict[str, Any]:
        """Return the one kernel as Jupyter lists it."""
        spec = self.get_kernel_spec(KERNEL_NAME).to_dict()
        return {KERNEL_NAME: {"resource_dir": str(RESOURCES), "spec": spec}}


class PageKernels(AsyncMappingKernelManager):
    """Kernels that live as long as their page.

    A page that is closed says so and its kernel ends at once; where the message is lost
    (a crash, a laptop asleep), the kernel ends a minute after its page's connection.
    """

    cull_idle_timeout = Integer(60, config=True)
    cull_interval = Integer(15, config=True)
    most = Integer(MOST_KERNELS, config=True)
    buffer_offline_messages = Bool(False)  # a page that comes back reloads: nothing to replay

    def has_room(self) -> bool:
        """Return whether one more page may be opened."""
        return len(self) < self.most

    async def end(self, kernel_id: str) -> None:
        """End a kernel now; one that has ended already is no error."""
        if kernel_id in self:
            await self.shutdown_kernel(kernel_id, now=True)  # type: ignore[no-untyped-call]


def kernel_environment(home: Home, token: str | None, *, path: str, query: str) -> dict[str, str]:
    """Return all that a page's kernel finds in its environment.

    A list of what may pass, not of what may not: the server's own environment can hold
    keys of sources.

    Args:
        home: The workspace that the notebook asks.
        token: Of the person who looks; the notebook asks with it, and sees what that person
            sees. None for the owner, as whom it asks anyway.
        path: Path of the page's address.
        query: Query string of the page's address, the page's parameters.
    """
    settings = {f"ANALYTICSPRO_{item.name.upper()}" for item in fields(Settings)}
    passed = _passed_on() | {
        name: value for name, value in environment().items() if name in settings
    }
    return passed | {
        "ANALYTICSPRO_HOME": str(home.path),
        **({"ANALYTICSPRO_TOKEN": token} if token is not None else {}),
        "QUERY_STRING": query,
        "SCRIPT_NAME": path,
        "SERVER_SOFTWARE": "analyticspro",
        "VOILA_PREHEAT": "False",
        "IPYTHONDIR": str(home.path / "run" / "ipython"),
    }


def composing_environment() -> dict[str, str]:
    """Return what a process finds that may know of no workspace at all."""
    return _passed_on()


def _passed_on() -> dict[str, str]:
    given = environment()
    passed = {
        name: value for name, value in given.items() if name in _PASSED_ON or name.startswith("LC_")
    }
    return passed | {"PATH": passed.get("PATH") or str(Path(sys.executable).parent)}
