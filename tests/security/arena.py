"""Every attack with and without a sandbox, as whoever runs this; what succeeded, as JSON."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from analyticspro.isolation import Sandbox
from analyticspro.isolation.attacks import program
from analyticspro.isolation.canary import bait


def main(folder: Path, uid: int | None) -> None:
    succeeded = {}
    for way in ("sandbox", "none"):
        around = Path(tempfile.mkdtemp(dir=folder))
        with bait(around, uid) as target, open(target.file, "rb") as file:
            sandbox = Sandbox("mallory", Path(target.own), uid, shows=[around / "environment"])
            command = (
                program(target, own=target.own)
                if way == "none"
                else sandbox.command(program(target, own=str(sandbox.home)))
            )
            done = subprocess.run(command, stdin=file, capture_output=True, text=True, check=True)
        succeeded[way] = json.loads(done.stdout)
    json.dump(succeeded, sys.stdout)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if sys.argv[2:] else None)
