"""What somebody who is not at the machine may have the service reach for: what is declared there.

The service's account reads files and addresses that its people cannot: its own home, what
listens on loopback, what only this network reaches. A declaration that comes with a request
names any of them, so it counts only if the machine's owner has written the same one down.
"""

from __future__ import annotations

from collections.abc import Iterable

from analyticspro.api.callers import Caller
from analyticspro.config import Home, environment
from analyticspro.connectors import Source, load
from analyticspro.errors import Forbidden

__all__ = ["check_folder", "check_sources"]


def check_sources(sources: Iterable[Source], home: Home, caller: Caller) -> None:
    """Raise unless `caller` may have the service read from `sources`.

    Args:
        sources: As they came with a request.
        home: Whose `sources.toml` tells what may be read.
        caller: The owner of the machine may name any.

    Raises:
        Forbidden: One is not declared, or otherwise.
    """
    if caller.is_owner:
        return
    file = home.sources_file
    known = load(file, environment()) if file.exists() else []
    declared = {source.name: source.to_json() for source in known}
    for source in sources:
        if declared.get(source.name) != source.to_json():
            raise Forbidden(
                f"The source {source.name} is not declared so in sources.toml of this workspace. "
                "What the service may read from is written down on its machine: declare it there, "
                "and name it here as it is declared."
            )


def check_folder(into: str | None, caller: Caller) -> None:
    """Raise unless `caller` may have a backup be made in the folder `into`.

    Raises:
        Forbidden: It is not the home's own, and the caller is not at the machine.
    """
    if into is not None and not caller.is_owner:
        raise Forbidden(
            "A backup into a folder of one's choice is for whoever runs AnalyticsPro, on the "
            "machine itself: 'analyticspro backup --into DIR'. Leave `into` out for the folder "
            "of the workspace."
        )
