"""Seconds from `zhike serve` to the first answer, on a home that has its documents.

python benchmarks/start.py
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

import psutil  # type: ignore[import-untyped]
from environment import ROOT, described

ZHIKE = Path(sys.executable).with_name("zhike")
QUESTION = {"text": "How long does courier express take?"}
LONGEST = 300.0  # seconds
QUIET = 10.0  # seconds
IDLE = 20.0  # percent of a core; it looks for work now and then


def main() -> None:
    with tempfile.TemporaryDirectory() as home:
        environment = {**os.environ, "ZHIKE_HOME": home}
        first = _start(environment, settle=True)
        second = _start(environment)
    figures = {"fresh_home_seconds": first, "second_start_seconds": second}
    print(described(figures, ROOT / "samples" / "knowledge"))


def _start(environment: dict[str, str], settle: bool = False) -> float:
    """Start the server, ask until it answers from a document, stop it.

    settle: only once it has read every passage, as a second start finds it.
    """
    port = _free_port()
    begin = time.monotonic()
    server = subprocess.Popen(
        [ZHIKE, "serve", "--port", str(port)], env=environment, stdout=subprocess.DEVNULL
    )
    try:
        while time.monotonic() - begin < LONGEST:
            if _answered(port):
                seconds = time.monotonic() - begin
                if settle:
                    _settled(psutil.Process(server.pid))
                return round(seconds, 1)
            time.sleep(0.2)
        raise SystemExit(f"No answer within {LONGEST:.0f} seconds.")
    finally:
        server.terminate()
        server.wait(30)


def _settled(server: psutil.Process) -> None:
    """Wait until the server does nothing for a while."""
    while server.cpu_percent(QUIET) > IDLE:
        pass


def _answered(port: int) -> bool:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/api/v1/chat",
        json.dumps(QUESTION).encode(),
        {"Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            return bool(json.load(response)["citations"])
    except (OSError, urllib.error.URLError):
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    main()
