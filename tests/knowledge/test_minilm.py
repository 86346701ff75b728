"""all-MiniLM-L6-v2 in NumPy gives the vectors that sentence-transformers gives."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from knowledge import minilm
from knowledge.errors import KnowledgeError


@pytest.mark.slow
def test_vectors_are_those_of_the_original(models: Path) -> None:
    encoder = minilm.packaged(models)
    if encoder is None:
        pytest.skip("all-MiniLM-L6-v2 was not pulled")
    texts = ["where is my card?", "x", "a longer question about a parcel " * 60, ""]
    found = encoder.queries(texts)
    from sentence_transformers import SentenceTransformer

    original = SentenceTransformer(str(models / minilm.NAME), device="cpu")
    wanted = original.encode(texts, normalize_embeddings=True)
    assert np.abs(found - wanted).max() < 1e-4


def test_a_model_that_was_not_pulled_is_none(tmp_path: Path) -> None:
    assert minilm.packaged(tmp_path) is None


@pytest.mark.parametrize("content", [b"", b"no tensors at all"])
def test_a_damaged_file_is_told(tmp_path: Path, content: bytes) -> None:
    folder = tmp_path / minilm.NAME
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(content)
    (folder / "tokenizer.json").write_text("{}")
    with pytest.raises(KnowledgeError, match="zhike models pull"):
        minilm.MiniLMFile(folder)
