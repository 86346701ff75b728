"""Retrieval scores by hand, query files in both layouts, and the cache of vectors."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from knowledge import evaluate
from knowledge.embedder import PackagedE5
from knowledge.embedding_cache import CachedEmbedder
from knowledge.errors import KnowledgeError
from knowledge.evaluate import Query
from knowledge.knowledge_base import KnowledgeBase
from knowledge.types import Vectors


def test_scores_by_hand() -> None:
    queries = [Query("1", "", frozenset({"a"})), Query("2", "", frozenset({"b", "c"}))]
    report = evaluate.scores(queries, [["a", "x"], ["x", "b", *"defgh", "c"]])
    assert report["recall@1"] == 0.5
    assert report["recall@5"] == 0.75
    assert report["recall@10"] == 1.0
    assert report["mrr@10"] == 0.75
    second = (1 / np.log2(3) + 1 / np.log2(9)) / (1 + 1 / np.log2(3))
    assert report["ndcg@10"] == pytest.approx((1 + second) / 2, abs=1e-4)


def test_nothing_found_scores_nothing() -> None:
    report = evaluate.scores([Query("1", "", frozenset({"a"}))], [[]])
    assert set(report.values()) == {0.0}


def test_a_query_file_with_history(tmp_path: Path) -> None:
    row = {"id": 1, "text": "and there?", "documents": ["a.md"]}
    history = [{"role": "user", "content": "hours in Hangzhou?"}]
    path = tmp_path / "q.jsonl"
    path.write_text(json.dumps(row | {"history": history}) + "\n\n", "utf-8")
    (query,) = evaluate.read(path)
    assert query.history == (("user", "hours in Hangzhou?"),)
    assert query.documents == {"a.md"}


@pytest.mark.parametrize("line", ["{", '{"id": 1}', "[]", ""])
def test_a_bad_query_file_is_one_clear_sentence(tmp_path: Path, line: str) -> None:
    (tmp_path / "q.jsonl").write_text(line, "utf-8")
    with pytest.raises(KnowledgeError, match=r"q\.jsonl"):
        evaluate.read(tmp_path / "q.jsonl")


def _beir(folder: Path) -> Path:
    (folder / "qrels").mkdir(parents=True)
    corpus = [
        {"_id": "d1", "title": "退货", "text": "七天内可退。"},
        {"_id": "d2", "text": "Free parking."},
    ]
    queries = [{"_id": "q1", "text": "怎么退"}, {"_id": "q2", "text": "unused"}]
    for name, rows in (("corpus", corpus), ("queries", queries)):
        lines = [json.dumps(row) for row in rows]
        (folder / f"{name}.jsonl").write_text("\n".join(lines), "utf-8")
    qrels = "query-id\tcorpus-id\tscore\nq1\td1\t1\nq1\td2\t0\nq9\td1\t1\n"
    (folder / "qrels" / "test.tsv").write_text(qrels, "utf-8")
    return folder


def test_a_data_set_in_beir_s_layout(tmp_path: Path) -> None:
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    (query,) = evaluate.read_beir(_beir(tmp_path / "beir"), corpus)
    assert (query.text, set(query.documents)) == ("怎么退", {"000001.md"})
    assert (corpus / "000001.md").read_text("utf-8") == "# 退货\n\n七天内可退。\n"
    assert (corpus / "000002.md").read_text("utf-8") == "Free parking.\n"


@pytest.mark.parametrize("missing", ["corpus.jsonl", "queries.jsonl", "qrels/test.tsv"])
def test_a_beir_folder_with_a_part_missing_says_so(tmp_path: Path, missing: str) -> None:
    folder = _beir(tmp_path / "beir")
    (folder / missing).unlink()
    with pytest.raises(KnowledgeError, match="beir"):
        evaluate.read_beir(folder, tmp_path)


def test_both_arms_and_their_fusion_are_ranked(base: KnowledgeBase, folder: Path) -> None:
    assert all(i.status == "added" for i in base.add([folder]))
    found = base.ranked_documents("E2 temperature sensor", 20)
    assert set(found) == {"vector", "keyword", "fused"}
    assert all(documents[0] == "kettle.md" for documents in found.values())
    assert sorted(found["vector"]) == ["kettle.md", "returns.md", "zh/shipping.md"]


def test_a_text_is_embedded_once_per_machine(tmp_path: Path, embedder: PackagedE5) -> None:
    computed: list[str] = []

    class Watched(PackagedE5):
        def passages(self, texts: Sequence[str]) -> Vectors:
            computed.extend(texts)
            return embedder.passages(texts)

    texts = ["tea", "kettle", "tea"]
    first = CachedEmbedder(Watched(), tmp_path)
    expected = first.passages(texts)
    first.close()
    again = CachedEmbedder(Watched(), tmp_path)
    assert np.array_equal(again.passages([*texts, "cup"])[:3], expected)
    assert sorted(computed) == ["cup", "kettle", "tea", "tea"]
    assert np.allclose(expected, embedder.passages(texts), atol=1e-6)
    assert again.passages([]).shape == (0, embedder.dimension)
    assert (again.name, again.dimension, again.max_tokens) == (embedder.name, 384, 512)
    again.close()
