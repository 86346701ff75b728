"""The files of a model or adapter folder: allowed or not, hashed, put in place in one step."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

from chatbot.errors import ModelError

# What a model folder may hold: weights that cannot carry code, and text.
ALLOWED = (".safetensors", ".json", ".txt", ".model", ".jinja")
UNSAFE = (".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".joblib", ".npy", ".h5", ".msgpack")


def check_folder(folder: Path) -> None:
    """Raise ModelError unless it can be loaded without running anybody's code."""
    if not (folder / "config.json").is_file():
        raise ModelError(f"{folder}: config.json is missing, so this is not a model folder.")
    for path in sorted(folder.glob("*config.json")):
        try:
            config = json.loads(path.read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise ModelError(f"{path}: cannot be read as JSON ({error}). Get it again.") from error
        if isinstance(config, dict) and config.get("auto_map"):
            raise ModelError(
                f"{path}: the model wants to run its own code (auto_map), which is never allowed. "
                "Choose a model that transformers knows by itself."
            )
    check_weights(folder)


def check_weights(folder: Path) -> None:
    """Raise ModelError unless the folder has safetensors: pickled weights can run code."""
    names = sorted(path.name for path in folder.iterdir())
    if any(name.endswith(".safetensors") for name in names):
        return
    unsafe = [name for name in names if name.endswith(UNSAFE)]
    if unsafe:
        raise ModelError(
            f"{folder}: {unsafe[0]} can run code when it is loaded, so only .safetensors weights "
            "are accepted. Convert the model, or choose one that has them."
        )
    raise ModelError(f"{folder}: no .safetensors weights. Copy or pull the model again.")


def folder_sha256(folder: Path) -> str:
    """SHA-256 over the sorted relative names and the hashes of all files of a folder."""
    total = hashlib.sha256()
    files = sorted((path for path in folder.rglob("*") if path.is_file()), key=Path.as_posix)
    for path in files:
        total.update(f"{path.relative_to(folder).as_posix()}\0{file_sha256(path)}\n".encode())
    return total.hexdigest()


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def publish(built: Path, target: Path, staging: Path) -> None:
    """All bytes on disk first, then one rename: a reader sees the whole model or none."""
    for path in [*built.rglob("*"), built]:
        path.chmod(0o755 if path.is_dir() else 0o644)  # mkdtemp and safetensors keep others out
        _fsync(path)
    if target.exists():  # a damaged one; goes away with the staging folder
        target.rename(staging / "old")
    built.rename(target)
    _fsync(target.parent)


def _fsync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
