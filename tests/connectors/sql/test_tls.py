"""Encrypted connections to real servers, with a certificate of our own."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from analyticspro.errors import RetriableError, SourceError
from tests.connectors.sql.conftest import servers_only
from tests.connectors.sql.shop import Shop, maria_shop, postgres_shop
from tests.servers import mariadb, postgresql

AT = "2026-01-01 10:00:00"


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A certificate for 127.0.0.1, signed by itself, and its key, which the servers may read."""
    # Not pytest's own folder, which no other account can enter.
    folder = Path(tempfile.mkdtemp(prefix="tls-"))
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=test -keyout key.pem"
    command += " -out cert.pem -addext subjectAltName=IP:127.0.0.1"
    subprocess.run(command.split(), cwd=folder, check=True, capture_output=True)
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(params=["postgresql", "mariadb"])
def encrypted(request: pytest.FixtureRequest, folder: Path) -> Iterator[Shop]:
    """A database whose server can speak TLS."""
    certificate, key = str(folder / "cert.pem"), folder / f"{request.param}.pem"
    shutil.copy(folder / "key.pem", key)
    key.chmod(0o600)
    if os.geteuid() == 0:
        shutil.chown(key, "postgres" if request.param == "postgresql" else "mysql")
    if request.param == "postgresql":
        files = {"ssl": "on", "ssl_cert_file": certificate, "ssl_key_file": str(key)}
        with postgresql.cluster(**files) as server:
            yield postgres_shop(server)
    else:
        with mariadb.running(**{"ssl-cert": certificate, "ssl-key": str(key)}) as server:
            yield maria_shop(server)


def test_a_server_is_known_by_its_certificate(encrypted: Shop, folder: Path) -> None:
    encrypted.orders((1, AT, "1"))
    certificate = str(folder / "cert.pem")
    assert encrypted.sync(tls="verify", tls_ca=certificate).run() == ["1"]
    assert encrypted.sync(tls="require").run() == ["1"]
    assert encrypted.sync().run() == ["1"]
    # One that nobody whom the system trusts has signed.
    with pytest.raises(SourceError, match="tls_ca"):
        encrypted.sync(tls="verify").run()
    # The right one, of another host.
    elsewhere = encrypted.url.replace("127.0.0.1", "localhost")
    with pytest.raises(SourceError, match="tls_ca"):
        encrypted.sync(tls="verify", tls_ca=certificate, url=elsewhere).run()
    with pytest.raises(SourceError, match=r"tls_ca.*nothing\.pem"):
        encrypted.sync(tls="verify", tls_ca="nothing.pem").run()


@servers_only
def test_nothing_is_sent_to_a_server_that_cannot_encrypt(shop: Shop) -> None:
    shop.orders((1, AT, "1"))
    with pytest.raises((SourceError, RetriableError)) as caught:
        shop.sync(tls="require").run()
    assert "Check tls" in str(caught.value)
