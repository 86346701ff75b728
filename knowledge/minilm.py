"""all-MiniLM-L6-v2 in NumPy: English text to unit vectors, without torch in the server.

Its vectors tell apart what English customers want far better than the multilingual e5 does, and
know nothing of Chinese. So it helps the intents (chatbot/intents) beside e5, and reads what is
English (reader.py).
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from knowledge.e5_file import Floats
from knowledge.encoder import Encoder
from knowledge.errors import KnowledgeError
from knowledge.types import Vectors

NAME = "all-MiniLM-L6-v2"
LONGEST = 256  # tokens, as its authors trained it
NAMES = {  # what Encoder asks for → the name in the file; {i} is the layer
    "q": "encoder.layer.{i}.attention.self.query",
    "k": "encoder.layer.{i}.attention.self.key",
    "v": "encoder.layer.{i}.attention.self.value",
    "ao": "encoder.layer.{i}.attention.output.dense",
    "fi": "encoder.layer.{i}.intermediate.dense",
    "fo": "encoder.layer.{i}.output.dense",
    "aln": "encoder.layer.{i}.attention.output.LayerNorm",
    "oln": "encoder.layer.{i}.output.LayerNorm",
}
EMBEDDINGS = {
    "emb.pos": "embeddings.position_embeddings.weight",
    "emb.type": "embeddings.token_type_embeddings.weight",
    "emb.ln.w": "embeddings.LayerNorm.weight",
    "emb.ln.b": "embeddings.LayerNorm.bias",
}


class MiniLMFile:
    """The weights as Encoder reads them, and the vocabulary, from the model's folder."""

    width, layers, heads, epsilon = 384, 6, 12, 1e-12
    positions = 512
    asking = telling = ""  # questions and passages are embedded alike

    def __init__(self, folder: Path) -> None:
        """Raises KnowledgeError when the folder is not this model."""
        from safetensors import SafetensorError
        from safetensors.numpy import load_file

        try:
            self._tensors: dict[str, Floats] = load_file(folder / "model.safetensors")
            self._words = self._tensors["embeddings.word_embeddings.weight"]
        except (OSError, KeyError, SafetensorError) as error:
            raise KnowledgeError(
                f"{folder}: {NAME} cannot be read ({error}). Run `zhike models pull`."
            ) from error
        self._folder = folder
        self.vocabulary = len(self._words)

    @cached_property
    def _tokenizer(self) -> Any:
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_file(str(self._folder / "tokenizer.json"))
        tokenizer.no_padding()
        tokenizer.no_truncation()
        return tokenizer

    @property
    def begin(self) -> int:
        return int(self._tokenizer.token_to_id("[CLS]"))

    @property
    def end(self) -> int:
        return int(self._tokenizer.token_to_id("[SEP]"))

    def tokens(self, text: str) -> list[int]:
        """The ids of the tokens of `text`, without marks of beginning and end."""
        plain = text.encode("utf-8", "replace").decode("utf-8")
        ids: list[int] = self._tokenizer.encode(plain, add_special_tokens=False).ids
        return ids

    def vector(self, name: str) -> Floats:
        return self._tensors[_name(name)].reshape(-1)

    def matrix(self, name: str, width: int) -> Floats:
        """(out, in); `width` is the number of inputs."""
        return self._tensors[_name(name)].reshape(-1, width)

    def word_vectors(self, ids: npt.NDArray[np.int64]) -> Floats:
        """(n,) to (n, width)."""
        rows: Floats = self._words[ids]
        return rows


class PackagedMiniLM:
    """Contract: knowledge.types.Embedder. Questions and passages are embedded alike."""

    dimension = MiniLMFile.width
    max_tokens = LONGEST

    def __init__(self, folder: Path) -> None:
        """`folder`: of the packaged model; it is read at the first text."""
        self.name = f"{NAME}@numpy"
        self._folder = folder
        self._lock = threading.Lock()

    @cached_property
    def _file(self) -> MiniLMFile:
        return MiniLMFile(self._folder)

    @cached_property
    def _encoder(self) -> Encoder:
        return Encoder(self._file)

    def count(self, text: str) -> int:
        return len(self._file.tokens(text))

    def passages(self, texts: Sequence[str]) -> Vectors:
        return self.queries(texts)

    def queries(self, texts: Sequence[str]) -> Vectors:
        """Mean over the tokens, length 1."""
        rows = np.empty((len(texts), self.dimension), np.float32)
        with self._lock:
            encoder, file = self._encoder, self._file
        for i, text in enumerate(texts):
            ids = [file.begin, *file.tokens(text)[: LONGEST - 2], file.end]
            mean = encoder(ids).mean(0)
            rows[i] = mean / max(float(np.linalg.norm(mean)), 1e-12)
        return rows


def packaged(models: Path) -> PackagedMiniLM | None:
    """The model in the folder of packaged models; None where it was not pulled."""
    folder = pulled(models)
    return PackagedMiniLM(folder) if folder else None


def pulled(models: Path) -> Path | None:
    """The model's folder; None where it was not pulled."""
    folder = models / NAME
    complete = all((folder / n).is_file() for n in ("model.safetensors", "tokenizer.json"))
    return folder if complete else None


def _name(asked: str) -> str:
    """ "l3.q.w" or "emb.pos" to the name in the file."""
    if asked in EMBEDDINGS:
        return EMBEDDINGS[asked]
    layer, part, kind = asked.split(".")
    return f"{NAMES[part].format(i=layer[1:])}.{'weight' if kind == 'w' else 'bias'}"
