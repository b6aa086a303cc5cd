"""Where a person's own packages are, and where their installers get them from."""

from __future__ import annotations

import sysconfig
from pathlib import Path

__all__ = ["packages_of"]


def packages_of(home: Path, api_port: int, token: str) -> dict[str, str]:
    """Return the variables of a Lab by which `pip install` works in it, if an admin allows it.

    Packages lie in the person's own folder. They are found before those of this installation,
    in kernels and programs; what is installed here counts as installed, and stays.

    Args:
        home: The person's folder, as it is seen inside.
        api_port: Port of the api, which leads to the index.
        token: The Lab's own.
    """
    prefix = str(home / "packages")
    where = {"base": prefix, "platbase": prefix}
    scheme = sysconfig.get_preferred_scheme("prefix")
    paths = dict.fromkeys(
        sysconfig.get_path(kind, scheme, where) for kind in ("purelib", "platlib")
    )
    return {
        "PIP_INDEX_URL": f"http://lab:{token}@127.0.0.1:{api_port}/v1/packages/simple/",
        "PIP_PREFIX": prefix,
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PYTHONPATH": ":".join(paths),
    }
