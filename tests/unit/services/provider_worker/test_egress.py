"""Which addresses a worker may dial."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.provider_worker.egress import Guard

PRIVATE = [
    "127.0.0.1", "127.255.255.254", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1", "100.127.255.255", "0.0.0.0",
    "0.1.2.3", "192.0.0.8", "192.0.2.1", "192.88.99.1", "198.18.0.1", "198.51.100.7", "203.0.113.9", "224.0.0.1", "239.255.255.250",
    "240.0.0.1", "255.255.255.255", "::1", "::", "fc00::1", "fd12:3456::1", "fec0::1", "ff02::1", "100::1", "2001:db8::1", "3fff::1",
    "5f00::1", "64:ff9b:1::a00:1", "4000::1",
]
WRAPPED = [
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:0:127.0.0.1", "::127.0.0.1", "64:ff9b::10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::",
    "2002:a00:1::1", "2001:0:4136:e378:8000:63bf:80ff:fffe", "2002:808:808::1",
]
METADATA = [
    "169.254.169.254", "169.254.170.2", "169.254.170.23", "169.254.42.42", "fe80::a9fe:a9fe", "fe80::1%eth0", "fd00:ec2::254",
    "fd00:ec2::23", "fd20:ce::254", "fd00:42::42", "100.100.100.200", "192.0.0.192", "168.63.129.16", "::ffff:169.254.169.254",
    "64:ff9b::a9fe:a9fe", "64:ff9b::a83f:8110",
]
PUBLIC = [
    "1.1.1.1", "8.8.8.8", "104.18.6.192", "172.15.255.255", "172.32.0.1", "100.63.255.255", "100.128.0.1", "192.0.1.1", "198.20.0.1",
    "2606:4700::6812:7c0", "2a00:1450:4001::200e", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2001:4860:4860::8888",
]


@pytest.mark.parametrize("address", PUBLIC)
def test_what_is_on_the_internet_may_be_dialled(address: str) -> None:
    assert Guard().permits("api.example", address)


@pytest.mark.parametrize("address", PRIVATE + WRAPPED + METADATA)
def test_what_is_not_on_the_internet_is_refused(address: str) -> None:
    assert not Guard().permits("api.example", address)
    assert not Guard().permits(address, address)


@pytest.mark.parametrize(("entry", "host"), [
    ("llm.corp.example", "llm.corp.example"), ("LLM.corp.example.", "llm.corp.example"), ("llm.corp.example", "LLM.CORP.EXAMPLE."),
    ("*.corp.example", "llm.corp.example"), ("*.corp.example", "a.b.corp.example"), ("10.0.0.0/8", "x.example"), ("10.1.2.3", "x.example"),
    ("bücher.example", "xn--bcher-kva.example"), ("other.example, llm.corp.example ,", "llm.corp.example"), ("vllm", "vllm"),
])
def test_what_the_list_names_may_be_private(entry: str, host: str) -> None:
    assert Guard.of(entry).permits(host, "10.1.2.3")


@pytest.mark.parametrize(("entry", "host"), [
    ("", "llm.corp.example"), ("corp.example", "llm.corp.example"), ("*.corp.example", "corp.example"),
    ("*.corp.example", "evilcorp.example"), ("*.corp.example", "corp.example.evil.example"), ("10.1.2.4", "x.example"),
    ("10.1.0.0/24", "x.example"), ("fd00::/8", "x.example"),
])
def test_what_the_list_does_not_name_may_not(entry: str, host: str) -> None:
    assert not Guard.of(entry).permits(host, "10.1.2.3")


@pytest.mark.parametrize("entry", [
    "http://llm.corp.example", "llm.corp.example:8000", "10.0.0.0/99", "*", "*.", "a b", "a/b", "user@host", "*.*.example", "[::1]", "a?b",
])
def test_an_entry_that_is_no_host_is_named(entry: str) -> None:
    with pytest.raises(ValueError, match="TOKENROUTER_EGRESS_ALLOW"):
        Guard.of(f"good.example,{entry}")


@pytest.mark.parametrize(("url", "host", "address"), [
    ("http://127.0.0.1:8000/v1", "127.0.0.1", "127.0.0.1"), ("https://10.0.0.7", "10.0.0.7", "10.0.0.7"), ("http://[::1]:8000", "::1", "::1"),
    ("http://localhost:11434", "localhost", "::1"), ("http://LOCALHOST", "localhost", "127.0.0.1"),
    ("http://localhost./v1", "localhost.", "127.0.0.1"),
    ("http://models.localhost/v1", "models.localhost", "127.0.0.1"), ("http://vllm:8000/v1", "vllm", "172.18.0.3"),
    ("http://my_service/v1", "my_service", "10.0.0.1"),
])
def test_a_base_url_means_what_it_says(url: str, host: str, address: str) -> None:
    assert Guard().naming([url]).permits(host, address)
    assert not Guard().permits(host, address)


@pytest.mark.parametrize("url", [
    "http://llm.corp.example/v1", "http://2130706433/", "http://0x7f000001/", "http://0x7f.1/", "http://127.1/", "http://017700000001/",
    "http://10.0.0.1.nip.example", "not a url", "", "http://", "http:///v1",
])
def test_a_base_url_with_a_longer_name_or_a_disguised_address_does_not(url: str) -> None:
    guard = Guard().naming([url])
    for host in ("llm.corp.example", "2130706433", "0x7f000001", "0x7f.1", "127.1", "017700000001", "10.0.0.1.nip.example", "127.0.0.1", ""):
        assert not guard.permits(host, "127.0.0.1")


def test_what_a_base_url_names_is_not_opened_for_other_hosts() -> None:
    guard = Guard().naming(["http://10.0.0.7:8000", "http://vllm:8000"])
    assert not guard.permits("evil.example", "10.0.0.7")
    assert not guard.permits("10.0.0.8", "10.0.0.8")


def test_the_guard_for_base_urls_keeps_the_list() -> None:
    guard = Guard.of("*.corp.example, 10.9.0.0/16").naming(["http://vllm"])
    assert guard.permits("llm.corp.example", "10.0.0.1")
    assert guard.permits("x.example", "10.9.0.1")
    assert guard.permits("vllm", "10.0.0.1")


@pytest.mark.parametrize("address", METADATA)
def test_metadata_is_never_opened_by_a_name(address: str) -> None:
    named = Guard.of("metadata.google.internal, *.internal, metadata").naming(["http://metadata", f"http://{address.partition('%')[0]}/"])
    for host in ("metadata.google.internal", "metadata", address):
        assert not named.permits(host, address)


@pytest.mark.parametrize("network", ["0.0.0.0/0", "::/0", "100.64.0.0/10", "fd00::/8", "fc00::/7", "168.0.0.0/8", "192.0.0.0/24"])
def test_metadata_is_not_opened_by_a_network_that_happens_to_hold_it(network: str) -> None:
    assert not any(Guard.of(network).permits("x", address) for address in METADATA)


@pytest.mark.parametrize(("entry", "address"), [
    ("169.254.169.254", "169.254.169.254"), ("169.254.0.0/16", "169.254.1.1"), ("fe80::/10", "fe80::1%eth0"), ("100.100.100.200", "100.100.100.200"),
    ("168.63.129.16/32", "168.63.129.16"),
])
def test_metadata_and_link_local_addresses_can_be_listed(entry: str, address: str) -> None:
    assert Guard.of(entry).permits("x", address)


@given(st.ip_addresses())
def test_whatever_python_calls_special_is_refused(address: Any) -> None:
    wrapped = str(address).startswith(("::ffff:", "64:ff9b::"))
    if not wrapped and (address.is_private or address.is_multicast or address.is_reserved):
        assert not Guard().permits("x", str(address))


@given(st.ip_addresses(v=4))
def test_an_address_in_the_clothes_of_ipv6_is_the_same_address(address: Any) -> None:
    for form in (f"::ffff:{address}", f"64:ff9b::{address}"):
        assert Guard().permits("x", form) == Guard().permits("x", str(address))
