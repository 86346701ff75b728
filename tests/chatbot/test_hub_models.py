"""Pulling from a hub: the real client against a small hub on loopback."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from chatbot import models
from chatbot.errors import ModelError

ROOT = Path(__file__).resolve().parents[2]
NEWEST, OLDER = "b" * 40, "a" * 40
FILES = {
    "config.json": b'{"model_type": "llama"}',
    "tokenizer.json": b"{}",
    "model.safetensors": b"weights" * 100,
    "pytorch_model.bin": b"a pickle",
    "modeling_evil.py": b"raise SystemExit",
}


class Hub(BaseHTTPRequestHandler):
    """The part of a hub's interface that a download uses, for owner/name at two commits."""

    protocol_version = "HTTP/1.1"
    asked: list[str]  # set per server

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, body: bool) -> None:
        path = self.path.split("?")[0]
        self.asked.append(path)
        commit = OLDER if OLDER in path else NEWEST
        name = path.rsplit("/", 1)[-1]
        known = path.startswith(("/api/models/owner/name", "/owner/name/resolve/"))
        if known and path.startswith("/api/") and "/tree/" in path:
            rows = [
                {"type": "file", "path": file, "size": len(content), "oid": "0" * 40}
                for file, content in FILES.items()
            ]
            content = json.dumps(rows).encode()
        elif known and path.startswith("/api/"):
            siblings = [{"rfilename": file} for file in FILES]
            content = json.dumps(
                {"id": "owner/name", "sha": commit, "siblings": siblings, "private": False}
            ).encode()
        elif known and name in FILES:
            content = FILES[name]
        else:
            known, content = False, b'{"error": "Repository not found"}'
        self.send_response(200 if known else 404)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
        self.send_header("X-Repo-Commit", commit)
        if not known:
            self.send_header("X-Error-Code", "RepoNotFound")
        self.end_headers()
        if body:
            self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


@pytest.fixture
def hub() -> Iterator[ThreadingHTTPServer]:
    Hub.asked = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


PULL = """
import sys
from pathlib import Path
from chatbot.errors import ModelError
from chatbot.models import pull
try:
    pull(Path(sys.argv[1]), [sys.argv[2]], print, sys.argv[3])
except ModelError as error:
    sys.exit(str(error))
"""


def pull(hub: ThreadingHTTPServer, folder: Path, name: str, revision: str = "") -> str:
    """Run in a process of its own: the client reads the hub's address when imported."""
    done = subprocess.run(
        [sys.executable, "-c", PULL, str(folder), name, revision],
        cwd=ROOT,
        env={k: v for k, v in os.environ.items() if k != "HF_HUB_OFFLINE"}  # commands set it
        | {
            "PYTHONPATH": str(ROOT),
            "HF_ENDPOINT": f"http://127.0.0.1:{hub.server_port}",
            "HF_HUB_DISABLE_XET": "1",
            "HF_HOME": str(folder / "hf"),
        },
        capture_output=True,
        text=True,
        timeout=120,
    )
    return done.stderr if done.returncode else ""


@pytest.mark.slow
def test_only_harmless_files_come_at_one_commit(hub: ThreadingHTTPServer, tmp_path: Path) -> None:
    assert pull(hub, tmp_path, "owner/name") == ""
    folder = models.find(tmp_path, "owner/name")
    kept = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert kept == {"config.json", "tokenizer.json", "model.safetensors", "manifest.json"}
    assert not [path for path in Hub.asked if path.endswith((".bin", ".py"))]
    assert models.manifest_of(folder)["revision"] == NEWEST
    with pytest.raises(ModelError, match="pulled at revision b"):
        models.find(tmp_path, "owner/name", OLDER)
    assert pull(hub, tmp_path, "owner/name", OLDER) == ""
    assert models.find(tmp_path, "owner/name", OLDER) == folder
    before = len(Hub.asked)
    assert pull(hub, tmp_path, "owner/name", OLDER) == ""
    assert len(Hub.asked) == before  # what is ready needs no network
    assert models.state(tmp_path, "owner/name", full=True).status == "ready"


@pytest.mark.slow
def test_an_unknown_model_is_told(hub: ThreadingHTTPServer, tmp_path: Path) -> None:
    said = pull(hub, tmp_path, "owner/other")
    assert said.startswith("owner/other: the hub did not deliver it"), said
    assert models.state(tmp_path, "owner/other").status == "missing"
