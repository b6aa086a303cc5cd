"""A real S3 server, in a process and an environment of its own.

with store() as server:
    server.ask("s3", "create_bucket", Bucket="exports")
"""

from __future__ import annotations

import base64
import json
import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.local import free_port, until

FIND = Path(__file__).parent.parent.parent / "scripts" / "environment"
CONSOLE = Path(__file__).parent / "s3_console.py"


@dataclass
class Server:
    """The server, and somebody at its console."""

    endpoint: str
    console: subprocess.Popen[str]
    keys: dict[str, str] = field(
        default_factory=lambda: {
            "aws_access_key_id": "nobody",
            "aws_secret_access_key": "none",
        }
    )

    def ask(self, service: str, call: str, **arguments: Any) -> dict[str, Any]:
        """Return the answer to one call of boto3; `Body` is bytes."""
        if "Body" in arguments:
            arguments["Body"] = base64.b64encode(arguments["Body"]).decode()
        place = {"endpoint_url": self.endpoint, **self.keys}
        asked = {"service": service, "call": call, "place": place, "arguments": arguments}
        assert self.console.stdin
        assert self.console.stdout
        self.console.stdin.write(json.dumps(asked) + "\n")
        self.console.stdin.flush()
        answer: dict[str, Any] = json.loads(self.console.stdout.readline())
        return answer


@contextmanager
def store(page: int) -> Iterator[Server]:
    """Run a server that asks for keys once there is somebody who has some.

    Args:
        page: How many objects it lists at once.
    """
    python = subprocess.run(
        [FIND, "s3"], check=True, stdout=subprocess.PIPE, text=True
    ).stdout.strip()
    port = free_port()
    # To make a person, give them keys and a right takes three requests of nobody.
    rules = {"INITIAL_NO_AUTH_ACTION_COUNT": "3", "MOTO_S3_DEFAULT_MAX_KEYS": str(page)}
    moto = [python, "-W", "ignore", "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with (
        subprocess.Popen(moto, env={**os.environ, **rules}, **quiet) as process,
        subprocess.Popen(
            [python, CONSOLE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as console,
    ):
        try:
            until(lambda: process.poll() is not None or _answers(port))
            yield Server(f"http://127.0.0.1:{port}", console)
        finally:
            process.terminate()
            console.terminate()


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
