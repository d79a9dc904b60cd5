"""A service answers only under its own names."""

import pytest

from serving.runtime.allowed_hosts import AllowedHosts
from serving.runtime.settings import ServingSettings

KEY = "sixteen letters!"


@pytest.mark.parametrize(
    "host",
    ["localhost", "LOCALHOST:8000", "localhost.", "a.localhost", "127.0.0.1:8000", "[::1]:80"],
)
def test_loopback_names_are_accepted(host):
    assert ServingSettings(allowed_hosts="").hosts.accept(host)
    assert ServingSettings(allowed_hosts="other.example").hosts.accept(host)


@pytest.mark.parametrize(
    "host",
    [
        "",
        " ",
        "evil.example",
        "evil.example:8000",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "evil.example@127.0.0.1",
        "127.0.0.1/evil.example",
        "localhost, evil.example",
        "192.0.2.1",
        "[::1",
        "2130706433",
    ],
)
def test_other_names_are_refused(host):
    assert not ServingSettings(allowed_hosts="").hosts.accept(host)


def test_listed_names_are_accepted():
    hosts = ServingSettings(allowed_hosts="a.example, *.b.example").hosts
    accepted = [
        name for name in ("a.example:1", "x.b.example", "y.x.b.example") if hosts.accept(name)
    ]
    assert len(accepted) == 3
    assert not hosts.accept("b.example")
    assert not hosts.accept("x.a.example")
    assert not hosts.accept("evilb.example")


def test_on_an_address_that_needs_a_key_any_name_is_accepted_unless_names_are_listed():
    assert ServingSettings(host="0.0.0.0", api_key=KEY, allowed_hosts="").hosts.accept("precedent")
    listed = ServingSettings(host="0.0.0.0", api_key=KEY, allowed_hosts="a.example").hosts
    assert listed.accept("a.example")
    assert listed.accept("10.1.2.3:8000")
    assert not listed.accept("precedent")


def test_an_address_that_is_listened_on_is_accepted():
    hosts = AllowedHosts.of("", listening_on="192.0.2.7")
    assert hosts.accept("192.0.2.7:8000")
    assert not hosts.accept("192.0.2.8:8000")
