"""Makes the model that serves until a team has trained its own: the packaged intents.

    python -m chatbot.intents.base

writes data/intents.npz and data/intents.json anew from data/intents.toml; `make intents` does the
same. Without them the first customer of a fresh home would wait for a training.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from chatbot.intents.archive import BASE, BASE_CARD, CARD, DATA, MODEL, Archive
from chatbot.intents.store import packaged
from knowledge.embedder import PackagedE5


def main() -> None:
    """Train on the packaged intents with the packaged embedder alone, and keep the result."""
    with tempfile.TemporaryDirectory() as temporary:
        archive = Archive(Path(temporary), Path(temporary) / "cache", PackagedE5())
        made, _ = archive.train(archive.name(packaged()), packaged())
        folder = Path(made.path).parent
        shutil.copy(folder / MODEL, DATA / BASE)
        shutil.copy(folder / CARD, DATA / BASE_CARD)


if __name__ == "__main__":
    main()
