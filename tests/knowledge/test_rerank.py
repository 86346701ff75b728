"""A cross-encoder of random weights: read from a folder, and trusted with the order."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from knowledge.database import Database
from knowledge.embedder import PackagedE5
from knowledge.errors import KnowledgeError
from knowledge.knowledge_base import KnowledgeBase
from knowledge.rerank import CrossEncoderReranker, make_reranker
from knowledge.settings import KnowledgeSettings
from tests.tiny_models import make_cross_encoder

QUESTION = "Can I return opened tea?"
TEXTS = ["Opened tea cannot be returned.", "The kettle holds one litre.", "满 99 元包邮。"]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_cross_encoder(tmp_path_factory.mktemp("reranker") / "tiny")


@pytest.mark.slow
def test_the_order_is_the_model_s(
    model: Path, home: Path, folder: Path, embedder: PackagedE5
) -> None:
    reranker = CrossEncoderReranker(str(model))
    scores = reranker.scores(QUESTION, TEXTS)
    assert scores.shape == (3,)
    assert ((scores > 0) & (scores < 1)).all()
    assert len(set(scores.tolist())) == 3
    assert np.allclose(reranker.scores(QUESTION, TEXTS[::-1]), scores[::-1], atol=1e-5)
    assert reranker.scores(QUESTION, []).shape == (0,)
    database = Database(home / "zhike.db")
    base = KnowledgeBase(database, home / "index", embedder, KnowledgeSettings(), reranker)
    list(base.add([folder]))
    found = base.search(QUESTION)
    own = reranker.scores(QUESTION, [f"{p.heading}\n{p.text}".strip() for p in found])
    assert [p.score for p in found] == pytest.approx(own.tolist(), abs=1e-5)
    assert own.tolist() == sorted(own.tolist(), reverse=True)
    looked_at = base.explain(QUESTION)
    assert [c.passage.id for c in looked_at] == [p.id for p in found]
    assert any(c.fused != pytest.approx(c.passage.score) for c in looked_at)
    database.close()


@pytest.mark.slow
def test_what_is_no_reranker_is_refused(model: Path, tmp_path: Path) -> None:
    two = make_cross_encoder(tmp_path / "two", labels=2)
    with pytest.raises(KnowledgeError, match="2 numbers"):
        CrossEncoderReranker(str(two))
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "model.safetensors").write_bytes(b"no weights")
    (broken / "config.json").write_text(json.dumps({"model_type": "bert"}), encoding="utf-8")
    with pytest.raises(KnowledgeError, match=r"knowledge\.reranker"):
        CrossEncoderReranker(str(broken))


def test_none_unknown_and_pickled(tmp_path: Path) -> None:
    assert make_reranker(KnowledgeSettings(), tmp_path) is None
    with pytest.raises(KnowledgeError, match="not on this machine"):
        make_reranker(KnowledgeSettings(reranker="no-such-model"), tmp_path)
    (tmp_path / "owner--pickled").mkdir()
    (tmp_path / "owner--pickled" / "pytorch_model.bin").write_bytes(b"cos\nsystem\n")
    with pytest.raises(KnowledgeError, match="safetensors"):
        make_reranker(KnowledgeSettings(reranker="owner/pickled"), tmp_path)
