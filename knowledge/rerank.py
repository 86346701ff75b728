"""A cross-encoder that reads question and passage together and orders the best anew; optional."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from scipy.special import expit

from knowledge.embedder import HUB_ID, plain, refuse_unsafe
from knowledge.errors import KnowledgeError
from knowledge.settings import KnowledgeSettings
from knowledge.weights import Floats

BATCH = 16  # pairs per call
CHARACTERS = 4_000  # of a passage; the model cuts at its own length, this spares the tokenizer


class Reranker(Protocol):
    """Judges passages beside the question."""

    def scores(self, question: str, texts: Sequence[str]) -> Floats:
        """(len(texts),) 0..1, higher is better."""
        ...


class CrossEncoderReranker:
    """A CrossEncoder of sentence-transformers with one output, from a folder or the hub's cache.

    Only safetensors are read, no code of the model runs, nothing is downloaded.
    """

    def __init__(self, folder_or_id: str, revision: str = "") -> None:
        """Raises KnowledgeError."""
        self._source = folder_or_id
        self._model = self._load(folder_or_id, revision)
        self._lock = threading.Lock()

    def _load(self, source: str, revision: str) -> Any:
        refuse_unsafe(Path(source))
        from safetensors import SafetensorError
        from sentence_transformers import CrossEncoder

        try:
            model = CrossEncoder(
                source,
                revision=revision or None,
                trust_remote_code=False,
                local_files_only=True,
                device="cpu",
                model_kwargs={"use_safetensors": True},
            )
        except (OSError, ValueError, SafetensorError) as error:
            raise KnowledgeError(
                f"The reranker {source!r} cannot be loaded ({str(error).splitlines()[0]}). Pull it "
                "first, or set knowledge.reranker to a folder, or to nothing to go without."
            ) from error
        if model.num_labels != 1:
            raise KnowledgeError(
                f"The reranker {source!r} gives {model.num_labels} numbers for a pair. Choose one "
                "that gives a single score."
            )
        return model

    def scores(self, question: str, texts: Sequence[str]) -> Floats:
        if not texts:
            return np.empty(0, np.float64)
        pairs = [(plain(question), plain(text[:CHARACTERS])) for text in texts]
        with self._lock:
            raw = self._model.predict(
                pairs, batch_size=BATCH, show_progress_bar=False, activation_fn=_identity()
            )
        scores: Floats = expit(np.asarray(raw, np.float64))
        return scores


def _identity() -> Any:
    from torch.nn import Identity

    return Identity()


def make_reranker(settings: KnowledgeSettings, models: Path) -> Reranker | None:
    """The reranker that the settings name, None for none. `models`: the folder of pulled models.

    Raises KnowledgeError when it is not on this machine.
    """
    name = settings.reranker
    if not name:
        return None
    for folder in (models / name.replace("/", "--"), Path(name)):
        if folder.is_dir():
            return CrossEncoderReranker(str(folder), settings.reranker_revision)
    if HUB_ID.fullmatch(name):
        return CrossEncoderReranker(name, settings.reranker_revision)
    raise KnowledgeError(
        f"The reranker {name!r} is not on this machine. Use a folder, the id of a hub model that "
        "was pulled, or nothing to go without."
    )
