"""Evidence over a small real base: what answers, what nearly does, and stored sentences."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from knowledge import minilm, reader, weights
from knowledge.embedder import PackagedE5
from knowledge.evidence import EvidenceScorer, in_context
from knowledge.features import split
from knowledge.types import Vectors
from knowledge.weights import Weights

from .shop import KETTLE, RETURNS, SHIPPING, Shop, opened

DOCUMENTS = {"kettle.md": KETTLE, "returns.md": RETURNS, "shipping.md": SHIPPING}
TWINS = [  # an answerable question, and one as near to the documents that has no answer there
    ("en", "How long is the warranty on the K1?", "How loud is the K1?"),
    ("en", "price of the K1?", "price of the K2?"),
    ("en", "my K1 shows E2, what is wrong?", "my K1 shows E5, what is wrong?"),
    ("en", "Who pays the return postage?", "Who pays customs duties?"),
    ("en", "Can I return opened tea?", "Can I return a lid of another brand?"),
    ("zh-Hans", "普通快递运费多少钱？", "冷链快递运费多少钱？"),
    ("zh-Hans", "杭州门店几点开门？", "上海门店几点开门？"),
    ("zh-Hans", "体验课多少钱一位", "体验课多长时间"),
]


@dataclass
class Counting:
    """The packaged embedder, counting the passages that it embeds."""

    inner: PackagedE5
    texts: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.inner.name

    @property
    def dimension(self) -> int:
        return self.inner.dimension

    @property
    def max_tokens(self) -> int:
        return self.inner.max_tokens

    def count(self, text: str) -> int:
        return self.inner.count(text)

    def passages(self, texts: Sequence[str]) -> Vectors:
        self.texts += texts
        return self.inner.passages(texts)

    def queries(self, texts: Sequence[str]) -> Vectors:
        return self.inner.queries(texts)


@pytest.fixture(scope="module")
def packaged() -> Weights:
    """Loaded once: growing the trees takes a second."""
    return weights.load()


@pytest.fixture(scope="module")
def shop(
    tmp_path_factory: pytest.TempPathFactory,
    embedder: PackagedE5,
    packaged: Weights,
    models: Path,
) -> Iterator[Shop]:
    """Only read by the tests that share it."""
    shop = opened(tmp_path_factory.mktemp("shop"), embedder, packaged, DOCUMENTS, models)
    yield shop
    shop.database.close()


@pytest.fixture
def own(tmp_path: Path, embedder: PackagedE5, packaged: Weights, models: Path) -> Iterator[Shop]:
    """A shop that the test may change."""
    shop = opened(tmp_path, Counting(embedder), packaged, DOCUMENTS, models)
    yield shop
    shop.database.close()


@pytest.mark.parametrize(("language", "question", "near_miss"), TWINS)
def test_a_near_miss_scores_below_its_answerable_twin(
    shop: Shop, language: str, question: str, near_miss: str
) -> None:
    answer, miss = shop.evidence(question, language), shop.evidence(near_miss, language)
    assert answer.enough
    assert 0 <= miss.probability < answer.probability <= 1


@pytest.mark.xfail(strict=True, reason="the reader does not look behind the pronoun")
def test_a_price_told_of_a_pronoun_is_an_answer(shop: Shop) -> None:
    """The document says of the K1: It costs $79."""
    assert shop.evidence("How much does the K1 cost?").enough


@pytest.mark.parametrize(
    "question",
    ["How loud is the K1?", "How much does the K2 cost?", "What does E5 on the K1 mean?"],
)
def test_english_near_misses_are_not_enough(shop: Shop, question: str) -> None:
    assert not shop.evidence(question).enough


@pytest.mark.parametrize(
    ("question", "language", "document", "words"),
    [
        ("How long is the warranty on the K1?", "en", "kettle.md", "two years"),
        ("What does E2 on the K1 mean?", "en", "kettle.md", "temperature sensor"),
        ("Can I return opened tea?", "en", "returns.md", "cannot be returned"),
        ("普通快递运费多少钱？", "zh-Hans", "shipping.md", "10 元"),
    ],
)
def test_the_best_sentence_answers(
    shop: Shop, question: str, language: str, document: str, words: str
) -> None:
    best, *others = shop.evidence(question, language).sentences
    assert (best.passage.document, words in best.text) == (document, True)
    assert best.text in best.passage.text
    scores = [best.score, *(s.score for s in others)]
    assert scores == sorted(scores, reverse=True) and 0 <= scores[-1] <= scores[0] <= 1


def test_unknown_words_are_named(shop: Shop) -> None:
    assert "whisk" in shop.evidence("Do you sell a whisk?").unknown
    assert shop.evidence("Can I return opened tea?").unknown == ()


def test_a_synonym_is_not_unknown(shop: Shop) -> None:
    assert shop.evidence("guarantee").unknown == ()
    assert shop.evidence("邮费", "zh-Hans").unknown == ()


def test_no_passages_no_evidence(shop: Shop) -> None:
    vector = shop.embedder.queries(["anything"])
    evidence = shop.scorer.score("anything", vector, [], "en")
    assert (evidence.sentences, evidence.probability, evidence.enough) == ((), 0.0, False)


@pytest.mark.parametrize("question", ["？", "的", "12345", "'; DROP TABLE chunks; --", "x" * 2000])
def test_odd_questions_get_a_probability(shop: Shop, question: str) -> None:
    vector, passages = shop.search(question)
    passages = passages or shop.search("tea")[1]
    assert 0 <= shop.scorer.score(question, vector, passages, "ja").probability <= 1


def test_the_same_question_gets_the_same_evidence(shop: Shop) -> None:
    assert shop.evidence("How much does the K1 cost?") == shop.evidence(
        "How much does the K1 cost?"
    )


def test_sentence_vectors_are_computed_once(own: Shop, packaged: Weights, models: Path) -> None:
    embedded: list[str] = own.embedder.texts  # type: ignore[attr-defined]
    embedded.clear()
    first = own.evidence("Can I return opened tea?")
    assert sorted(embedded) == sorted(in_context(s) for s in first.sentences)
    embedded.clear()
    assert own.evidence("Can I return opened tea?") == first
    pulled = minilm.pulled(models)
    english = reader.english(pulled) if pulled else None
    again = EvidenceScorer(own.database, own.embedder, reader.packaged(), packaged, english)
    vector, passages = own.search("Can I return opened tea?")
    assert again.score("Can I return opened tea?", vector, passages, "en") == first
    assert embedded == []


def test_prepare_leaves_nothing_to_embed(own: Shop) -> None:
    chunks = [c for d in own.base.documents() for c in own.base.chunks(d.id)]
    own.scorer.prepare([])
    assert own.sentences() == []
    own.scorer.prepare(chunks)
    assert own.sentences() == sorted((c.id, s.position) for c in chunks for s in split(c))
    english = [(c.id, "English") for c in chunks if c.language == "en"]
    assert own.readings() == sorted([*english, *((c.id, "every language") for c in chunks)])
    own.embedder.texts.clear()  # type: ignore[attr-defined]
    own.evidence("How much does the K1 cost?")
    assert own.embedder.texts == []  # type: ignore[attr-defined]


def test_sentence_vectors_go_with_their_document(own: Shop, tmp_path: Path) -> None:
    for document in own.base.documents():
        own.scorer.prepare(own.base.chunks(document.id))
    own.base.remove("returns.md")
    left = {c.id for d in own.base.documents() for c in own.base.chunks(d.id)}
    assert {c for c, _ in own.sentences()} == left == {c for c, _ in own.readings()}
    kettle = tmp_path / "docs" / "kettle.md"
    kettle.write_text("# K1\n\nThe K1 is blue.\n", encoding="utf-8")
    assert [i.status for i in own.base.add([kettle])] == ["added"]
    shipping = next(d for d in own.base.documents() if d.path == "shipping.md")
    assert {chunk for chunk, _ in own.sentences()} == {c.id for c in own.base.chunks(shipping.id)}


def test_a_document_removed_during_a_question_leaves_no_sentence(own: Shop) -> None:
    vector, passages = own.search("Can I return opened tea?")
    for document in own.base.documents():
        own.base.remove(document.path)
    assert own.scorer.score("Can I return opened tea?", vector, passages, "en").sentences
    assert (own.sentences(), own.readings()) == ([], [])


@pytest.mark.slow
def test_many_threads_ask_at_once(own: Shop) -> None:
    questions = [question for _, *pair in TWINS for question in pair]
    expected = [round(own.evidence(q).probability, 6) for q in questions]
    with own.database.write() as db:
        db.execute("DELETE FROM sentences")
    found: dict[int, float] = {}

    def ask(i: int) -> None:
        found[i] = round(own.evidence(questions[i]).probability, 6)

    threads = [threading.Thread(target=ask, args=(i,)) for i in range(len(questions))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert np.allclose([found[i] for i in range(len(questions))], expected, atol=1e-4)
    assert len(own.sentences()) == len(set(own.sentences()))
