"""The model that a run starts from: where it lies, what it speaks, what its weights hash to."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from chatbot.model_files import file_sha256
from chatbot.models import find, manifest_of


@dataclass(frozen=True, slots=True)
class Foundation:
    """A base model on disk."""

    name: str
    folder: Path
    sha256: str  # of its one weights file; of the names and hashes of several
    languages: frozenset[str] | None  # that it speaks; None when nobody says

    @classmethod
    def of(cls, models: Path, name: str, revision: str = "") -> Foundation:
        """The usable model of that name, folder or hub id. Raises ModelError."""
        folder = find(models, name, revision)
        manifest = manifest_of(folder)
        languages = manifest.get("languages")
        known = {file: entry["sha256"] for file, entry in manifest.get("files", {}).items()}
        hashes = {
            path.name: known.get(path.name) or file_sha256(path)
            for path in sorted(folder.glob("*.safetensors"))
        }
        if len(hashes) == 1:
            sha256 = next(iter(hashes.values()))
        else:
            lines = "".join(f"{file} {digest}\n" for file, digest in hashes.items())
            sha256 = hashlib.sha256(lines.encode()).hexdigest()
        spoken = frozenset(languages) if languages else None
        return cls(manifest.get("name") or name, folder, sha256, spoken)
