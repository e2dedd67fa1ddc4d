from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from formlane.destinations.egress import BLOCKED, Address, blocking_row, is_public
from formlane.destinations.egress.blocked import Row

MISJUDGED = [
    "224.0.0.1",
    "192.88.99.1",
    "168.63.129.16",
    "ff02::1",
    "::169.254.169.254",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::1",
    "2002:a9fe:a9fe::1",
    "3fff::1",
    "5f00::1",
    "fec0::1",
]
"""Addresses that one or another Python release holds for global."""

PUBLIC = ["1.1.1.1", "8.8.8.8", "100.63.255.255", "100.128.0.0", "172.15.0.1", "172.32.0.1", "198.17.0.1"]
PUBLIC6 = ["2606:4700::1111", "2a00:1450:4001::1", "2001:200::1", "2001:4860:4860::8888", "2003::1"]


@pytest.mark.parametrize("row", BLOCKED, ids=lambda row: str(row.network))
def test_first_and_last_address_of_each_row_are_refused(row: Row) -> None:
    assert not is_public(row.network[0])
    assert not is_public(row.network[-1])
    assert row.reason
    assert row.source


@pytest.mark.parametrize("text", MISJUDGED)
def test_addresses_that_the_library_misjudges_are_in_the_table(text: str) -> None:
    assert blocking_row(ipaddress.ip_address(text)) is not None


@pytest.mark.parametrize("text", [*PUBLIC, *PUBLIC6])
def test_neighbours_of_the_table_stay_open(text: str) -> None:
    assert is_public(ipaddress.ip_address(text))


@given(st.ip_addresses(v=6))
def test_everything_outside_of_global_unicast_is_refused(address: Address) -> None:
    if address not in ipaddress.ip_network("2000::/3"):
        assert not is_public(address)


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_in_ipv6_clothes_is_never_better_than_itself(address: Address) -> None:
    number = int(address)
    for high in (0, 0xFFFF << 32, 0xFFFF << 48, 0x64FF9B << 96, (0x2002 << 112) | (number << 80)):
        assert not is_public(ipaddress.IPv6Address(high | number))


def test_a_scope_id_is_refused() -> None:
    assert not is_public(ipaddress.ip_address("2606:4700::1%eth0"))
