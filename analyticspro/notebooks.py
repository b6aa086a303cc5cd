"""Where the notebooks that come with the product are."""

from __future__ import annotations

import sys
import sysconfig
from pathlib import Path

from analyticspro.errors import DefinitionError, UnknownName

__all__ = ["KINDS", "find", "folder", "names"]

KINDS = ("dashboards", "explore", "reports")


def folder() -> Path:
    """Return the shipped `notebooks` folder.

    It lies beside the package where the package is used from its source tree, else under
    `share/analyticspro` of the environment.

    Raises:
        DefinitionError: It is in neither place.
    """
    beside = Path(__file__).resolve().parent.parent / "notebooks"
    data = Path(sysconfig.get_path("data"))
    places = [beside, *(root / "share/analyticspro/notebooks" for root in (data, Path(sys.prefix)))]
    for place in places:
        if all((place / kind).is_dir() for kind in KINDS):
            return place
    raise DefinitionError(
        f"The notebooks of AnalyticsPro are missing; they should be in {places[1]}. "
        "Install the package again."
    )


def names(kind: str) -> list[str]:
    """Return the names of the notebooks of a kind, in alphabetical order.

    Args:
        kind: `dashboards`, `explore` or `reports`.
    """
    return sorted(_files(kind))


def find(kind: str, name: str) -> Path:
    """Return the notebook of a kind called `name`, which is its file without the ending.

    Raises:
        UnknownName: There is none, with the nearest there is.
    """
    files = _files(kind)
    if name not in files:
        raise UnknownName.of(kind.removesuffix("s"), name, files)
    return files[name]


def _files(kind: str) -> dict[str, Path]:
    if kind not in KINDS:
        raise UnknownName.of("kind of notebook", kind, KINDS)
    return {path.stem: path for path in (folder() / kind).glob("*.ipynb")}
