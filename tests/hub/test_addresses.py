"""What the settings make of the hub's addresses, and what they may not."""

from __future__ import annotations

import pytest

from analyticspro.config import Addresses, Home
from analyticspro.errors import SettingError
from analyticspro.hub.proxy import command


def test_by_default_only_this_machine_reaches_it(home: Home):
    found = Addresses.of(home)
    assert found.bind == "http://127.0.0.1:8752"
    assert (found.public, found.lab_host) == ("http://localhost:8752", "http://localhost:8752")
    assert (found.hub, found.proxy_api) == ("http://127.0.0.1:8753", "http://127.0.0.1:8754")
    words = command(home)
    assert {"--ip=127.0.0.1", "--port=8752", "--api-ip=127.0.0.1", "--host-routing"} <= {*words}


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "analytics.example.org"])
def test_what_others_reach_is_refused_unencrypted(host: str, home: Home):
    home.write_settings(host=host)
    with pytest.raises(SettingError, match="nothing encrypts passwords"):
        Addresses.of(home)
    with pytest.raises(SettingError, match="nothing encrypts passwords"):
        command(home)


def test_unless_it_is_said(home: Home):
    home.write_settings(host="0.0.0.0", allow_remote=True, public_url="https://a.example.org/")
    found = Addresses.of(home)
    assert (found.bind, found.public) == ("http://0.0.0.0:8752", "https://a.example.org")
    assert found.lab_host == ""
    assert "--host-routing" not in command(home)


def test_with_a_certificate_the_proxy_encrypts(home: Home):
    home.write_settings(
        host="::1", tls_certificate="/c.pem", tls_key="/k.pem", lab_host_names=True,
        public_url="https://a.example.org",
    )  # fmt: skip
    found = Addresses.of(home)
    assert (found.bind, found.lab_host) == ("https://[::1]:8752", "https://a.example.org")
    assert {"--ssl-cert=/c.pem", "--ssl-key=/k.pem", "--host-routing"} <= {*command(home)}


def test_half_a_certificate_is_none(home: Home):
    home.write_settings(tls_certificate="/c.pem")
    with pytest.raises(SettingError, match="only one is set"):
        Addresses.of(home)


def test_no_two_ports_are_the_same(home: Home):
    with pytest.raises(SettingError, match="api_port and hub_port are both 8751"):
        home.write_settings(hub_port=8751)
