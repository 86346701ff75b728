"""Reads a question and a passage token by token, and says of every sentence whether it answers.

One vector per text tells what a sentence is about; whether it *answers* hangs on single words: a
duration asked for and a price told. So every token of the question looks for its match among the
tokens of a sentence, of what stands above it, and of the passage (late interaction, Khattab &
Zaharia 2020), and each pair is compared (Parikh et al. 2016). The vectors come from the packaged
models, their six upper layers tuned with LoRA on samples/answerability (`make reader`): e5 for
every language, and for English alone all-MiniLM-L6-v2, which tells English words apart far better.
A passage is read once; what is kept of it lives in SQLite beside its chunk.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load as load_tensors

from knowledge.e5_file import E5File, Floats
from knowledge.encoder import Encoder, ModelFile, gelu
from knowledge.errors import KnowledgeError
from knowledge.minilm import MiniLMFile

Halves = npt.NDArray[np.float16]
QUESTION, HEAD, SENTENCE, WHOLE = 64, 40, 96, 320  # tokens that are read at most
UNREAD = -12.0  # log-odds of a sentence beyond WHOLE
_DATA = Path(__file__).parent / "data"
ABOVE = -1  # in `part`: the token belongs to what stands above the sentences


@dataclass(frozen=True, slots=True)
class Reading:
    """What is kept of a passage: enough to compare any question with it."""

    keys: Halves  # (tokens, 128) unit rows
    values: Halves  # (tokens, 64)
    means: Halves  # (sentences, 384) unit rows
    part: npt.NDArray[np.int16]  # (tokens,) the sentence of each token, or ABOVE

    def packed(self) -> bytes:
        """For a BLOB; Reading.unpacked() reads it."""
        shape = np.array([len(self.part), len(self.means)], "<i4").tobytes()
        arrays = (self.part, self.keys, self.values, self.means)
        return shape + b"".join(array.tobytes() for array in arrays)

    @staticmethod
    def unpacked(data: bytes, keys: int, values: int, width: int) -> Reading:
        tokens, sentences = np.frombuffer(data, "<i4", 2).tolist()
        at, arrays = 8, []
        for kind, rows, columns in (
            ("<i2", tokens, 1),
            ("<f2", tokens, keys),
            ("<f2", tokens, values),
            ("<f2", sentences, width),
        ):
            array = np.frombuffer(data, kind, rows * columns, at)
            arrays.append(array.reshape(rows, columns))
            at += array.nbytes
        return Reading(arrays[1], arrays[2], arrays[3], arrays[0][:, 0])


@dataclass(frozen=True, slots=True)
class Asking:
    """A question as read."""

    keys: Floats  # (tokens, 128) unit rows
    importance: Floats  # (tokens,) sums to 1
    values: Floats  # (tokens, 64)
    mean: Floats  # (384,) unit length


class Reader:
    """Reads with the weights that were tuned for one model; safe from any thread."""

    def __init__(
        self, path: Path | None = None, open_model: Callable[[], ModelFile] = E5File
    ) -> None:
        """`path`: of the tuned weights, by default the packaged ones for e5; `open_model`: what
        they belong to, opened at the first text.

        Raises KnowledgeError when the weights cannot be read.
        """
        self._data = _weights(path or _DATA / "reader.safetensors")
        self._open_model = open_model
        self.name = f"reader-{hashlib.sha256(self._data).hexdigest()[:12]}"
        self._lock = threading.Lock()

    @cached_property
    def _tensors(self) -> dict[str, Floats]:
        return {name: _numbers(tensor) for name, tensor in load_tensors(self._data).items()}

    @cached_property
    def _file(self) -> ModelFile:
        return self._open_model()

    @cached_property
    def _encoder(self) -> Encoder:
        return Encoder(self._file, _added(self._tensors))

    def warm(self) -> None:
        """Load everything ahead of the first question."""
        self.question("warm")

    def question(self, text: str) -> Asking:
        """The question, with the turn before it where it leans on that."""
        states = self._states(question_tokens(self._loaded(), text))
        weighed = np.exp(states @ self._tensors["weight.weight"][0])
        return Asking(
            _unit(states @ self._tensors["proj.weight"].T),
            weighed / weighed.sum(),
            states @ self._tensors["qv.weight"].T + self._tensors["qv.bias"],
            _unit(states.mean(0)),
        )

    def passage(self, above: str, sentences: Sequence[str]) -> Reading:
        """Sentences that stand together, and their title and heading."""
        ids, part = passage_tokens(self._loaded(), above, sentences)
        states = self._states(ids)
        own = np.eye(max(part) + 1, dtype=np.float32)[part] * (np.array(part) >= 0)[:, None]
        return Reading(
            _unit(states @ self._tensors["proj.weight"].T).astype(np.float16),
            (states @ self._tensors["val.weight"].T + self._tensors["val.bias"]).astype(np.float16),
            _unit(own.T @ states).astype(np.float16),
            np.array(part, np.int16),
        )

    def unpack(self, data: bytes) -> Reading:
        """What Reading.packed() made."""
        keys, width = self._tensors["proj.weight"].shape
        return Reading.unpacked(data, keys, len(self._tensors["val.bias"]), width)

    def compare(self, asking: Asking, reading: Reading, sentences: int) -> Floats:
        """(sentences,) log-odds that each sentence on its own answers."""
        scores = np.full(sentences, UNREAD, np.float32)
        for i in range(min(len(reading.means), sentences)):
            scores[i] = self._one(asking, reading, i)
        return scores

    def _one(self, asking: Asking, reading: Reading, i: int) -> float:
        t = self._tensors
        here = reading.part == i
        alike = asking.keys @ _numbers(reading.keys).T  # (question tokens, passage tokens)
        best = np.stack(
            [alike[:, here].max(1), alike[:, reading.part == ABOVE].max(1), alike.max(1)], 1
        )
        found = gelu(best * 4 @ t["g.0.weight"].T + t["g.0.bias"]) @ t["g.2.weight"][0]
        late = asking.importance @ (found + t["g.2.bias"][0])
        matched = _softmax(alike[:, here] * np.exp(t["temp"])) @ _numbers(reading.values[here])
        pairs = np.concatenate([asking.values, matched, asking.values * matched], 1)
        pairs = gelu(pairs @ t["cmp.0.weight"].T + t["cmp.0.bias"])
        pairs = gelu(pairs @ t["cmp.2.weight"].T + t["cmp.2.bias"])
        total = np.concatenate(
            [
                asking.importance @ pairs,
                pairs.max(0),
                [late],
                [asking.importance @ best[:, 0] * t["scale"]],
                [asking.mean @ _numbers(reading.means[i]) * t["scale"]],
            ]
        )
        return float(total @ t["out.weight"][0] + t["out.bias"][0])

    def _loaded(self) -> ModelFile:
        with self._lock:
            _ = self._encoder
            return self._file

    def _states(self, ids: Sequence[int]) -> Floats:
        return self._encoder(ids)


@cache
def packaged() -> Reader:
    """The reader of every language that ships with the package, loaded once in a process."""
    return Reader()


@cache
def english(folder: Path) -> Reader:
    """The reader of English, over the model in `folder` (minilm.pulled())."""
    return Reader(_DATA / "reader_english.safetensors", partial(MiniLMFile, folder))


def question_tokens(file: ModelFile, text: str) -> list[int]:
    """As the reader was trained: with what the model expects before a question."""
    return [file.begin, *file.tokens(f"{file.asking}{text}")[:QUESTION], file.end]


def passage_tokens(
    file: ModelFile, above: str, sentences: Sequence[str]
) -> tuple[list[int], list[int]]:
    """Token ids, and for each the sentence that it belongs to; what is too long is left out."""
    ids = [file.begin, *file.tokens(f"{file.telling}{above}")[:HEAD], file.end]
    part = [ABOVE] * len(ids)
    for i, sentence in enumerate(sentences):
        own = [*file.tokens(sentence)[:SENTENCE], file.end]
        if len(ids) + len(own) > WHOLE:
            break
        ids += own
        part += [i] * len(own)
    return ids, part


def _weights(path: Path) -> bytes:
    try:
        data = path.read_bytes()
        load_tensors(data)
    except (OSError, SafetensorError) as error:
        raise KnowledgeError(
            f"{path}: the reader's weights cannot be read ({error}). Install Zhike again, or run "
            "`make reader`."
        ) from error
    return data


def _added(tensors: Mapping[str, Floats]) -> dict[str, Floats]:
    """What LoRA adds to each tuned matrix: B A, the factor already in B."""
    names = {name.removesuffix(".A") for name in tensors if name.endswith(".A")}
    return {name: tensors[f"{name}.B"] @ tensors[f"{name}.A"] for name in names}


def _unit(x: Floats) -> Floats:
    length = np.linalg.norm(x, axis=-1, keepdims=True)
    scaled: Floats = x / np.maximum(length, 1e-12)
    return scaled


def _numbers(x: npt.ArrayLike) -> Floats:
    """As float32: what is stored has half of it."""
    return np.asarray(x, np.float32)


def _softmax(x: Floats) -> Floats:
    weighed = np.exp(x - x.max(-1, keepdims=True))
    shares: Floats = weighed / weighed.sum(-1, keepdims=True)
    return shares
