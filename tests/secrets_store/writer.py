"""A process that sets secrets and rotates the key until it is killed.

`python writer.py HOME PREFIX COUNT`: it says each number once that secret is kept, and
rotates the key every third time.
"""

from __future__ import annotations

import sys
from pathlib import Path

from analyticspro import clock
from analyticspro.config import Home
from analyticspro.secrets_store import Secrets


def main() -> None:
    home, prefix, count = sys.argv[1:]
    secrets = Secrets.open(Home(Path(home)))
    for number in range(int(count)):
        secrets.set("shop", f"{prefix}{number}", f"value {number}", now=clock.now())
        if number % 3 == 0:
            secrets.rotate_key()
        print(number, flush=True)


if __name__ == "__main__":
    main()
