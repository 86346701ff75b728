"""Where a webhook may go: public addresses over HTTPS, checked again at each connection.

The name is resolved once, every address of it is checked, and the connection goes to the checked
address, so that a name which changes in between (DNS rebinding) leads nowhere else.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Any
from urllib.parse import urlsplit

import httpcore

from chatbot.errors import ChatbotError

LONGEST = 2_000  # characters of an address
NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052: IPv4 behind IPv6


class BadAddress(ChatbotError):
    """An address that no webhook may have, and why."""


def check(url: str, *, loopback: bool) -> None:
    """Raises BadAddress. loopback: this machine is allowed too, also without TLS."""
    if len(url) > LONGEST or not url.isascii() or not url.isprintable() or " " in url:
        raise BadAddress(
            f"The address of a webhook has at most {LONGEST} ASCII characters and no spaces."
        )
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise BadAddress(f"This is no address: {error}.") from error
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        raise BadAddress("Write the address as https://host/path.")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise BadAddress("The address of a webhook has no user, password or fragment.")
    try:
        found = resolved(parts.hostname, port or 443)
    except OSError:
        found = []  # not known now; it is checked again when something is sent
    for address in found:
        _check_address(address, loopback=loopback)
    if parts.scheme == "http" and not (loopback and found and all(map(_local, found))):
        raise BadAddress("A webhook goes over https; http only to this machine, where allowed.")


def resolved(host: str, port: int) -> list[str]:
    """The IP addresses of a host. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def public(address: str) -> bool:
    """Whether an IP address belongs to the public internet, also where IPv6 wraps IPv4."""
    ip = ip_address(address)
    if isinstance(ip, IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo or (None, None))[1]
        if ip in NAT64:
            inner = IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            ip = inner
    return ip.is_global and not (ip.is_multicast or ip.is_reserved)


def _local(address: str) -> bool:
    ip = ip_address(address)
    mapped = ip.ipv4_mapped if isinstance(ip, IPv6Address) else None
    return (mapped or ip).is_loopback


def _check_address(address: str, *, loopback: bool) -> None:
    if public(address) or (loopback and _local(address)):
        return
    if _local(address):
        raise BadAddress(
            "The address leads to this machine itself. Set server.webhook_loopback to allow that."
        )
    raise BadAddress("The address leads into a private or special network, which is refused.")


class CheckedNetwork(httpcore.NetworkBackend):
    """Connects only where a webhook may go."""

    def __init__(self, *, loopback: bool) -> None:
        self._loopback = loopback
        self._inner = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Raises BadAddress, or what httpcore raises."""
        try:
            found = resolved(host, port)
        except OSError as error:
            raise httpcore.ConnectError("the name of the host is not known") from error
        for address in found:  # one bad address of a name is enough to go nowhere
            _check_address(address, loopback=self._loopback)
        failure: Exception = httpcore.ConnectError("the host has no address")
        for address in found:
            try:
                return self._inner.connect_tcp(
                    address, port, timeout, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure
