"""An index of packages on loopback, and wheels made for it."""

from __future__ import annotations

import base64
import hashlib
import io
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def wheel(name: str, version: str, code: str) -> bytes:
    """Return a wheel of one module."""
    info = f"{name}-{version}.dist-info"
    files = {
        f"{name}.py": code,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\n"
        "Tag: py3-none-any\n",
    }
    record = ""
    for path, text in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=")
        record += f"{path},sha256={digest.decode()},{len(text.encode())}\n"
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for path, text in (files | {f"{info}/RECORD": f"{record}{info}/RECORD,,\n"}).items():
            archive.writestr(path, text)
    return made.getvalue()


@dataclass
class PackageIndex:
    """What it answers by path, and what it was asked.

    Attributes:
        answers: By path: a body, or text that says where to.
        asked: Method, path and headers of each request.
        is_chunked: Whether it keeps to itself how large its answers are.
    """

    port: int = 0
    answers: dict[str, bytes | str] = field(default_factory=dict)
    asked: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    is_chunked: bool = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/simple"

    @property
    def place(self) -> str:
        return f"127.0.0.1:{self.port}"

    def holds(self, name: str, version: str, code: str = "") -> str:
        """Have a wheel of one module, and its page; return the file's name."""
        file, body = f"{name}-{version}-py3-none-any.whl", wheel(name, version, code)
        self.answers[f"/files/{file}"] = body
        self.links(name, f"/files/{file}#sha256={hashlib.sha256(body).hexdigest()}")
        return file

    def links(self, name: str, *hrefs: str) -> None:
        """Have a page with links."""
        page = "".join(f'<a href="{href}">x</a>\n' for href in hrefs)
        self.answers[f"/simple/{name}/"] = f"<!DOCTYPE html><body>{page}</body>".encode()


@contextmanager
def package_index() -> Iterator[PackageIndex]:
    """Run one while the block runs."""
    index = PackageIndex()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            index.asked.append((self.command, self.path, dict(self.headers)))
            answer = index.answers.get(self.path)
            self.send_response(404 if answer is None else 302 if isinstance(answer, str) else 200)
            if isinstance(answer, str):
                self.send_header("Location", answer)
            body = answer if isinstance(answer, bytes) else b""
            if not index.is_chunked:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        index.port = server.server_port
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield index
        server.shutdown()
