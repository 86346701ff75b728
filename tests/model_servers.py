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
def serving(model: Path) -> Iterator[str]:
    """`transformers serve FOLDER` on a free port; gives the URL up to /v1."""
    port = _free_port()
    command = ["-c", "from transformers.cli.transformers import main; main()", "serve", str(model)]
    command += ["--host", "127.0.0.1", "--port", str(port)]
    command += ["--device", "cpu", "--log-level", "error"]
    with _running(command, port) as url:
        yield url


LLAMA_CPP = """
import sys, time, xllamacpp
params = xllamacpp.CommonParams()
params.model.path, params.port = sys.argv[1], int(sys.argv[2])
params.n_ctx, params.n_parallel, params.cpuparams.n_threads = 4096, 2, 1
server = xllamacpp.Server(params)
time.sleep(3600)
"""


@contextmanager
def llama_cpp(file: Path) -> Iterator[str]:
    """llama.cpp's own HTTP server, from the wheel `xllamacpp`."""
    port = _free_port()
    with _running(["-c", LLAMA_CPP, str(file), str(port)], port) as url:
        yield url


@contextmanager
def _running(arguments: list[str], port: int, seconds: float = 180) -> Iterator[str]:
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, *arguments]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            until = time.monotonic() + seconds
            url = f"http://127.0.0.1:{port}"
            while not _listens(url):
                assert process.poll() is None, f"{arguments[-4:]} ended"
                assert time.monotonic() < until, f"{arguments[-4:]} did not answer"
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
