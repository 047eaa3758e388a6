"""Where a webhook may go: never into our own network, unless the whole system lives on one machine."""

import pytest

from services.router.settings import METADATA
from services.router.targets import Policy, Target, TargetRefused, admit, allowed, check, resolve

CLOSED = Policy.of(private=False, networks=(), refused=METADATA)
ONE_MACHINE = Policy.of(private=True, networks=(), refused=METADATA)
EXTRANET = Policy.of(private=False, networks=("10.20.0.0/16", "fd12::/16"), refused=METADATA)


@pytest.mark.parametrize(
    "ip",
    [
        "127.0.0.1",
        "10.1.2.3",
        "192.168.1.1",
        "172.16.0.1",
        "169.254.169.254",
        "0.0.0.0",
        "100.64.0.1",
        "224.0.0.1",
        "::1",
        "::",
        "fe80::1",
        "fd00::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::10.0.0.1",
        "64:ff9b::169.254.169.254",
        "::127.0.0.1",
        "fec0::1",
        "2002:7f00:1::",
        "2001:0:1::1",
        "168.63.129.16",
        "fe80::1%eth0",
    ],
)
def test_inner_addresses_are_closed(ip: str) -> None:
    assert not allowed(ip, policy=CLOSED)


@pytest.mark.parametrize("ip", ["8.8.8.8", "2001:4860:4860::8888", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8"])
def test_public_addresses_are_open(ip: str) -> None:
    assert allowed(ip, policy=CLOSED)


@pytest.mark.parametrize(
    "ip",
    [
        *("169.254.169.254", "0.0.0.0", "::", "224.0.0.1", "::ffff:169.254.169.254", "64:ff9b::169.254.169.254"),
        *("fd00:ec2::254", "100.100.100.200", "192.0.0.192", "::ffff:168.63.129.16"),
    ],
)
def test_some_addresses_are_closed_on_one_machine_too(ip: str) -> None:
    assert allowed("127.0.0.1", policy=ONE_MACHINE)
    assert not allowed(ip, policy=ONE_MACHINE)


@pytest.mark.parametrize(
    "url",
    [
        "http://department.example/",
        "ftp://department.example/",
        "https://user:word@department.example/",
        "https://department.example/#part",
        "https://",
        "https://[::1",
        "https://department.example:99999/",
        "https://部门.example/",
        "https://department.example/" + "x" * 500,
        "https://department.example/\r\nHost: other",
    ],
)
def test_addresses_that_are_none_or_carry_more_than_an_address_are_refused(url: str) -> None:
    with pytest.raises(TargetRefused):
        check(url, policy=CLOSED)


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "10.1.2.3", "169.254.169.254", "[::1]", "[fe80::1]", "[fd00::1]", "[::ffff:10.0.0.1]"),
        *("127.1", "2130706433", "0x7f000001", "0177.0.0.1", "localhost", "LOCALHOST", "a.localhost", "localhost."),
    ],
)
def test_an_inner_address_is_refused_before_anything_is_asked_in_whatever_spelling(host: str) -> None:
    with pytest.raises(TargetRefused):
        check(f"https://{host}/hook", policy=CLOSED)


@pytest.mark.parametrize(
    "url", ["https://169.254.169.254/", "https://[fe80::1]/", "https://0.0.0.0/", "http://8.8.8.8/"]
)
def test_some_addresses_are_refused_on_one_machine_too(url: str) -> None:
    check("http://127.0.0.1:9000/hook", policy=ONE_MACHINE)
    check("https://8.8.8.8/hook", policy=ONE_MACHINE)
    with pytest.raises(TargetRefused):
        check(url, policy=ONE_MACHINE)


async def test_a_host_nobody_knows_yet_may_be_registered() -> None:
    await admit("http://department.invalid/hook", policy=ONE_MACHINE)
    await admit("https://department.invalid/hook", policy=CLOSED)
    with pytest.raises(TargetRefused):
        await admit("http://department.invalid/hook", policy=CLOSED)


async def test_a_name_that_leads_inside_is_refused() -> None:
    with pytest.raises(TargetRefused):
        await resolve("https://localhost/hook", policy=CLOSED)
    assert (await resolve("http://localhost:8080/hook", policy=ONE_MACHINE)).host == "localhost"


async def test_plain_http_never_leaves_the_own_network() -> None:
    with pytest.raises(TargetRefused):
        await resolve("http://8.8.8.8/hook", policy=ONE_MACHINE)


def test_the_connection_goes_to_the_address_that_was_checked() -> None:
    target = Target("https://department.example:8443/hook?a=1", "department.example", ("2001:db8::7",))
    assert target.pinned("2001:db8::7") == "https://[2001:db8::7]:8443/hook?a=1"
    assert target.host_header == "department.example:8443"


def test_the_networks_that_are_listed_are_open_and_no_others() -> None:
    assert allowed("10.20.3.4", policy=EXTRANET)
    assert allowed("::ffff:10.20.3.4", policy=EXTRANET)
    assert allowed("fd12::7", policy=EXTRANET)
    assert not allowed("10.21.3.4", policy=EXTRANET)
    assert not allowed("127.0.0.1", policy=EXTRANET)
    check("http://10.20.3.4/hook", policy=EXTRANET)
    with pytest.raises(TargetRefused):
        check("http://8.8.8.8/hook", policy=EXTRANET)


def test_listing_everything_opens_neither_metadata_nor_link_local() -> None:
    everything = Policy.of(private=False, networks=("0.0.0.0/0", "::/0"), refused=METADATA)
    for ip in ("169.254.169.254", "fe80::1", "fd00:ec2::254", "168.63.129.16", "224.0.0.1", "0.0.0.0"):
        assert not allowed(ip, policy=everything)
    assert allowed("10.1.2.3", policy=everything)
