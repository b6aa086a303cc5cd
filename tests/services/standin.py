"""A small service: listens on its port and answers /readyz, or fails as a file in the home says.

Copied by the tests under two names, `standin_api` and `standin_pages`.
"""

import argparse
import os
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from analyticspro.config import Home


def serve(home: Home, name: str) -> None:
    print(f"{name} starts with SOURCE={os.environ.get('SOURCE')}", flush=True)
    if (home.path / f"{name} fails").exists():
        time.sleep(0.2)
        sys.exit(f"{name}: the disk is full")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            is_ready = self.path == "/readyz" and not (home.path / "not ready").exists()
            self.send_response(200 if is_ready else 503)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    port = home.settings.api_port if name == "standin_api" else home.settings.port
    ThreadingHTTPServer((home.settings.host, port), Handler).serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--home")
    serve(Home(Path(parser.parse_args().home)), Path(sys.argv[0]).stem)
