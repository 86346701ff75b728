"""A webhook goes to public addresses over HTTPS, whatever its name says now or says later."""

from __future__ import annotations

import datetime
import socket
import ssl
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.ui.receiver import Receiver
from ui.webhooks.addresses import BadAddress, check, public
from ui.webhooks.posting import new_secret, post

SECRET = new_secret()
PRIVATE = (
    "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",
    "224.0.0.1", "240.0.0.1", "255.255.255.255", "198.18.0.1", "192.0.2.1", "fe80::1", "fc00::1",
    "ff02::1", "2001:db8::1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "2002:0a00:0001::1",
    "64:ff9b::a00:1", "::", "::10.0.0.1",
)  # fmt: skip


def bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address


@pytest.mark.parametrize("address", PRIVATE)
@pytest.mark.parametrize("loopback", [False, True])
def test_private_and_special_addresses_are_refused(address: str, loopback: bool) -> None:
    assert not public(address)
    with pytest.raises(BadAddress):
        check(f"https://{bracketed(address)}/zhike", loopback=loopback)
    outcome = post(f"https://{bracketed(address)}/", SECRET, "msg_1", "{}", loopback=loopback)
    assert outcome.status is None and not outcome.taken


@pytest.mark.parametrize("address", ["8.8.8.8", "93.184.215.14", "2606:4700::1111"])
def test_public_ones_are_allowed(address: str) -> None:
    assert public(address)
    check(f"https://{bracketed(address)}/zhike", loopback=False)


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "127.1", "2130706433", "0x7f.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]"],
)
def test_this_machine_only_where_it_is_allowed(host: str) -> None:
    for scheme in ("http", "https"):
        with pytest.raises(BadAddress):
            check(f"{scheme}://{host}:8080/", loopback=False)
        check(f"{scheme}://{host}:8080/", loopback=True)


@pytest.mark.parametrize(
    "url",
    [
        "http://93.184.215.14/", "ftp://93.184.215.14/", "file:///etc/passwd", "//93.184.215.14/",
        "https://", "https://user@93.184.215.14/", "https://u:p@93.184.215.14/", "https://[::1",
        "https://93.184.215.14/#part", "https://93.184.215.14:0/", "https://93.184.215.14:99999/",
        "https://93.184.215.14/a b", "https://93.184.215.14/\r\nHost: x", "https://茶.example/",
        "https://93.184.215.14/" + "x" * 2000, "",
    ],
)  # fmt: skip
def test_other_spellings_are_no_address(url: str) -> None:
    for loopback in (False, True):
        with pytest.raises(BadAddress) as refused:
            check(url, loopback=loopback)
        assert "\n" not in str(refused.value)


def test_a_name_that_leads_elsewhere_later_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """DNS rebinding: the name was public when it was added, and is this machine when sent."""
    answers = ["93.184.215.14"]
    real = socket.getaddrinfo

    def resolve(host: Any, port: Any, *rest: Any, **more: Any) -> Any:
        if host == "rebound.example":
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (a, port)) for a in answers]
        return real(host, port, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    with Receiver() as receiver:
        url = f"https://rebound.example:{receiver.port}/"
        check(url, loopback=False)
        for later in (["127.0.0.1"], ["93.184.215.14", "10.0.0.1"], ["169.254.169.254"]):
            answers[:] = later
            outcome = post(url, SECRET, "msg_1", "{}", loopback=False)
            assert "refused" in outcome.error or "webhook_loopback" in outcome.error
        assert receiver.got == []


def certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate of localhost that signs itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    crt, pem = folder / "localhost.crt", folder / "localhost.pem"
    crt.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    pem.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return crt, pem


def test_tls_is_checked_against_the_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Although the connection goes to the address that was checked."""
    crt, pem = certificate(tmp_path)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(crt, pem)
    with Receiver(tls=tls) as receiver:
        unknown = post(receiver.url, SECRET, "msg_1", "{}", loopback=True)
        assert unknown.error == "its certificate is not valid"
        monkeypatch.setenv("SSL_CERT_FILE", str(crt))
        assert post(receiver.url, SECRET, "msg_2", "{}", loopback=True).taken
        other = receiver.url.replace("localhost", "127.0.0.1")
        assert post(other, SECRET, "msg_3", "{}", loopback=True).error == unknown.error
        assert [got.headers["webhook-id"] for got in receiver.got] == ["msg_2"]


def test_silence_and_noise_are_told_apart() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # bound and not listening
        url = f"http://127.0.0.1:{nobody.getsockname()[1]}/"
        assert post(url, SECRET, "msg_1", "{}", loopback=True).error == "no connection"
    with Receiver() as receiver:
        receiver.headers = {"X-Noise": "a\x00b"}
        noise = post(receiver.url, SECRET, "msg_1", "{}", loopback=True)
        assert noise.error == "its answer was no HTTP"
