"""Servers that other projects make, as people start them."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx


@contextmanager
def serving(model: Path, seconds: float = 180) -> Iterator[str]:
    """`transformers serve FOLDER` on a free port; gives the URL up to /v1."""
    port = _free_port()
    command = [sys.executable, "-c", "from transformers.cli.transformers import main; main()"]
    command += ["serve", str(model), "--host", "127.0.0.1", "--port", str(port)]
    command += ["--device", "cpu", "--log-level", "error"]
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) as process:
        try:
            until = time.monotonic() + seconds
            url = f"http://127.0.0.1:{port}"
            while not _listens(url):
                assert process.poll() is None, "transformers serve ended"
                assert time.monotonic() < until, "transformers serve did not answer"
                time.sleep(0.2)
            yield f"{url}/v1"
        finally:
            process.kill()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _listens(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health").status_code == 200
    except httpx.TransportError:
        return False
