"""The embedder's file in NumPy gives what the embedder's own engine gives."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from knowledge.e5_file import MAGIC, E5File
from knowledge.embedder import PackagedE5
from knowledge.encoder import Encoder
from knowledge.errors import KnowledgeError

TEXTS = [
    "How long is the warranty on the K2?",
    "退货要多少天？运费谁出",
    "Ｋ２  ﬁrmware update…",
    "7-day 无理由",
]


@pytest.fixture(scope="module")
def file() -> E5File:
    return E5File()


def test_the_same_vectors_as_the_engine(file: E5File, embedder: PackagedE5) -> None:
    encoder = Encoder(file)
    for text, theirs in zip(TEXTS, embedder.queries(TEXTS), strict=True):
        mean = encoder([file.begin, *file.tokens(f"query: {text}"), file.end]).mean(0)
        assert mean @ theirs / np.linalg.norm(mean) > 0.999


def test_what_is_added_to_a_matrix_changes_the_result(file: E5File) -> None:
    ids = [file.begin, *file.tokens("tea"), file.end]
    noise = np.random.default_rng(0).normal(0, 0.1, (file.width, 4 * file.width))
    added = {"l11.fo": noise.astype(np.float32)}
    assert not np.allclose(Encoder(file)(ids), Encoder(file, added)(ids), atol=1e-3)
    assert np.array_equal(Encoder(file)(ids), Encoder(file, {})(ids))


def test_tokens_do_not_depend_on_width_or_double_blanks(file: E5File) -> None:
    assert file.tokens("K2  kettle") == file.tokens("Ｋ２ kettle")
    assert file.tokens("") == []


@pytest.mark.parametrize("data", [b"", b"GGUF" + bytes(64), MAGIC, MAGIC + b"\xff" * 200])
def test_a_damaged_file_is_one_clear_sentence(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "e5.bin"
    path.write_bytes(data)
    with pytest.raises(KnowledgeError, match=r"e5\.bin: the embedder's file cannot be read"):
        E5File(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(KnowledgeError, match="gone"):
        E5File(tmp_path / "gone.bin")
