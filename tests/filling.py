"""A process that is killed while it fills a column; started with the folder of a warehouse.

It says "filled" on a line after each step, so that whoever kills it knows how far it is.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from tests.writers import opened

VERSIONS_PER_STEP = 100


def main() -> None:
    """Fill until there is nothing left."""
    promoting = opened(Path(sys.argv[1])).promoting
    while not all(each.is_filled for each in promoting.state()):
        promoting.fill(versions_per_step=VERSIONS_PER_STEP, steps=1)
        os.write(1, b"filled\n")


if __name__ == "__main__":
    main()
