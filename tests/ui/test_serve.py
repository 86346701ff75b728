"""`zhike serve` as a process: the token, one server per home, a clean end."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.ui.conftest import PASSWORD

LEFT = "transcripts-left"  # by a server that was killed while a run was made
ROOT = Path(__file__).parents[2]


def command(home: Path, port: int, more: dict[str, str] | None = None) -> subprocess.Popen[str]:
    variables = {k: v for k, v in os.environ.items() if not k.startswith("ZHIKE_")}
    variables |= {
        "ZHIKE_HOME": str(home),
        "ZHIKE_SAMPLES": "off",
        "ZHIKE_CHATBOT_GENERATOR": "none",
        "PYTHONUNBUFFERED": "1",
    } | (more or {})
    return subprocess.Popen(
        [sys.executable, "-m", "ui.cli", "serve", "--port", str(port)],
        cwd=ROOT,
        env=variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.fixture
def port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@pytest.fixture
def process(home: Path, port: int) -> Iterator[subprocess.Popen[str]]:
    (home / LEFT).mkdir(parents=True)
    process = command(home, port)
    yield process
    if process.poll() is None:
        process.kill()
    process.communicate()


def wait_for(url: str, process: subprocess.Popen[str], seconds: float = 90) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until and process.poll() is None:
        try:
            httpx.get(f"{url}/healthz").raise_for_status()
            return
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError(process.communicate()[0] if process.poll() is not None else "no answer")


@pytest.mark.slow
def test_a_server_from_first_start_to_sigterm(
    home: Path, port: int, process: subprocess.Popen[str]
) -> None:
    url = f"http://127.0.0.1:{port}"
    wait_for(url, process)
    assert not (home / LEFT).exists()
    second = command(home, port + 1)
    said, _ = second.communicate(timeout=60)
    assert second.returncode == 1
    assert "running" in said and "Traceback" not in said
    assert httpx.get(f"{url}/desk/config").status_code == 401
    with httpx.stream("GET", f"{url}/gradio_api/heartbeat/abc", timeout=30) as open_stream:
        assert open_stream.status_code == 200
        process.send_signal(signal.SIGTERM)
        printed, _ = process.communicate(timeout=20)
    assert process.returncode == 0, printed
    token = re.search(r"one-time token:\s+(\S+)", printed)
    assert token
    again = command(home, port)
    try:
        wait_for(url, again)
        form = {"token": token[1], "password": PASSWORD, "again": PASSWORD}
        assert (
            httpx.post(f"{url}/desk/setup", data=form).status_code == 403
        )  # replaced by a new one
    finally:
        again.kill()
        again.communicate()
