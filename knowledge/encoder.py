"""A BERT encoder in NumPy: token ids in, one vector per token out.

Written out because it is sixty lines, and because the server then needs no torch in its own
process (a second and 300 MB at every start).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
from scipy.special import erf
from threadpoolctl import threadpool_limits

from knowledge.e5_file import Floats

MATRICES = ("q", "k", "v", "ao", "fi", "fo")


class Tensors(Protocol):
    """A model's file: Tensors or MiniLMFile."""

    @property
    def width(self) -> int: ...
    @property
    def layers(self) -> int: ...
    @property
    def heads(self) -> int: ...
    @property
    def epsilon(self) -> float: ...
    def vector(self, name: str) -> Floats: ...
    def matrix(self, name: str, width: int) -> Floats: ...
    def word_vectors(self, ids: npt.NDArray[np.int64]) -> Floats: ...


class ModelFile(Tensors, Protocol):
    """With the vocabulary, so that texts can be read token by token."""

    @property
    def asking(self) -> str: ...  # stands before every question
    @property
    def telling(self) -> str: ...  # stands before every passage
    @property
    def begin(self) -> int: ...
    @property
    def end(self) -> int: ...
    @property
    def vocabulary(self) -> int: ...
    @property
    def positions(self) -> int: ...
    def tokens(self, text: str) -> list[int]: ...


@dataclass(frozen=True, slots=True)
class Layer:
    """One transformer layer; matrices as (in, out)."""

    weights: Mapping[str, Floats]
    biases: Mapping[str, Floats]
    norms: Mapping[str, tuple[Floats, Floats]]  # "aln" after attention, "oln" after the rest


class Encoder:
    """All layers of a packaged model, some with what was learned added to their matrices."""

    def __init__(self, file: Tensors, added: Mapping[str, Floats] | None = None) -> None:
        """`added`: to a matrix (out, in) such as "l6.q".

        From then on NumPy uses one thread per call, in the whole process: on two busy cores the
        threads of a product waited for each other, 2.06 s for a question instead of 0.04.
        """
        threadpool_limits(1, user_api="blas")
        self._file = file
        self._positions = file.vector("emb.pos").reshape(-1, file.width)
        self._first = file.vector("emb.type")[: file.width]
        self._norm = file.vector("emb.ln.w"), file.vector("emb.ln.b")
        self._layers = [_layer(file, i, added or {}) for i in range(file.layers)]

    def __call__(self, ids: Sequence[int]) -> Floats:
        """(n,) token ids to (n, width)."""
        x = self._file.word_vectors(np.asarray(ids, np.int64))
        x = self._normed(x + self._positions[: len(ids)] + self._first, self._norm)
        for layer in self._layers:
            x = self._normed(x + self._attended(x, layer), layer.norms["aln"])
            wide = x @ layer.weights["fi"] + layer.biases["fi"]
            x = self._normed(
                x + gelu(wide) @ layer.weights["fo"] + layer.biases["fo"], layer.norms["oln"]
            )
        return x

    def _attended(self, x: Floats, layer: Layer) -> Floats:
        query, key, value = (self._split(x @ layer.weights[n] + layer.biases[n]) for n in "qkv")
        scores = query @ key.transpose(0, 2, 1) / math.sqrt(query.shape[-1])
        scores = np.exp(scores - scores.max(-1, keepdims=True))
        mixed = scores / scores.sum(-1, keepdims=True) @ value
        joined: Floats = mixed.transpose(1, 0, 2).reshape(x.shape)
        return joined @ layer.weights["ao"] + layer.biases["ao"]

    def _split(self, x: Floats) -> Floats:
        """(n, width) to (heads, n, width / heads)."""
        return x.reshape(len(x), self._file.heads, -1).transpose(1, 0, 2)

    def _normed(self, x: Floats, norm: tuple[Floats, Floats]) -> Floats:
        centred = x - x.mean(-1, keepdims=True)
        variance = (centred**2).mean(-1, keepdims=True)
        scaled: Floats = centred / np.sqrt(variance + self._file.epsilon) * norm[0] + norm[1]
        return scaled


def _layer(file: Tensors, i: int, added: Mapping[str, Floats]) -> Layer:
    weights, biases = {}, {}
    for name in MATRICES:
        biases[name] = file.vector(f"l{i}.{name}.b")
        inputs = file.width if name != "fo" else len(file.vector(f"l{i}.fi.b"))
        matrix = file.matrix(f"l{i}.{name}.w", inputs)
        if f"l{i}.{name}" in added:
            matrix = matrix + added[f"l{i}.{name}"]
        weights[name] = np.ascontiguousarray(matrix.T)
    norms = {n: (file.vector(f"l{i}.{n}.w"), file.vector(f"l{i}.{n}.b")) for n in ("aln", "oln")}
    return Layer(weights, biases, norms)


def gelu(x: Floats) -> Floats:
    """Gaussian error linear unit (Hendrycks & Gimpel 2016), with the exact error function."""
    passed: Floats = x * 0.5 * (1 + erf(x * np.float32(math.sqrt(0.5))))
    return passed
