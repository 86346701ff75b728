"""Fitting the evidence model on a small labelled set, from a real base."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

from knowledge import reader, weights
from knowledge.calibrate import FEWEST, Labelled, Report, fit, holds
from knowledge.embedder import PackagedE5
from knowledge.errors import KnowledgeError
from knowledge.evidence import EvidenceScorer
from knowledge.weights import Weights

from .shop import TEAS, Shop, labelled, opened, price_list


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, embedder: PackagedE5) -> Iterator[Shop]:
    shop = opened(tmp_path_factory.mktemp("teas"), embedder, None, {"teas.md": price_list()})
    yield shop
    shop.database.close()


STRAY = Labelled("龙井茶多少钱？", "", "zh-Hans", True, ("teas.md",), (("$20",),))


@pytest.fixture(scope="module")
def fitted(shop: Shop) -> tuple[Weights, list[Report]]:
    """With one question in a language that has too few for a fit of its own."""
    return fit([*labelled(), STRAY], shop.scorer, shop.embedder.name, shop.found)


@pytest.mark.slow
def test_a_fit_tells_answerable_from_unanswerable(fitted: tuple[Weights, list[Report]]) -> None:
    _, reports = fitted
    assert [r.language for r in reports] == ["any", "en"]
    english = reports[1]
    assert english.questions == 2 * len(TEAS)
    assert english.auroc >= 0.9
    assert min(english.answered, english.abstained) >= 0.8
    assert english.best_sentence >= 0.9


@pytest.mark.slow
def test_a_language_with_few_labels_uses_any(fitted: tuple[Weights, list[Report]]) -> None:
    made, reports = fitted
    assert set(made.languages) == {"any", "en"}
    assert made.of("zh-Hans") is made.languages["any"]
    assert reports[0].questions == 2 * len(TEAS) + 1


@pytest.mark.slow
def test_saved_and_loaded_scores_the_same(
    shop: Shop, fitted: tuple[Weights, list[Report]], tmp_path: Path
) -> None:
    made, _ = fitted
    weights.save(made, tmp_path / "evidence.npz")
    loaded = weights.load(tmp_path / "evidence.npz")
    assert loaded.embedder == shop.embedder.name
    for one in labelled()[:: len(TEAS) // 4]:
        mine, again = (
            dataclasses.replace(
                shop, scorer=EvidenceScorer(shop.database, shop.embedder, reader.packaged(), some)
            ).evidence(one.question)
            for some in (made, loaded)
        )
        assert mine == again
        assert mine.enough == one.answerable


@pytest.mark.slow
def test_the_same_labels_give_the_same_fit(
    shop: Shop, fitted: tuple[Weights, list[Report]]
) -> None:
    _, again = fit([*labelled(), STRAY], shop.scorer, shop.embedder.name, shop.found)
    assert again == fitted[1]


@pytest.mark.parametrize("kept", [0, FEWEST - 1])
@pytest.mark.parametrize("answerable", [True, False])
def test_too_few_labels_are_one_sentence(shop: Shop, kept: int, answerable: bool) -> None:
    few = [one for one in labelled() if one.answerable is answerable][:kept]
    rest = [one for one in labelled() if one.answerable is not answerable]
    with pytest.raises(KnowledgeError, match=f"at least {FEWEST} of each") as caught:
        fit(few + rest, shop.scorer, shop.embedder.name, shop.found)
    assert str(kept) in str(caught.value)


def test_a_base_without_documents_is_one_sentence(tmp_path: Path, embedder: PackagedE5) -> None:
    empty = opened(tmp_path, embedder, None, {})
    with pytest.raises(KnowledgeError, match="for which a passage is found"):
        fit(labelled(), empty.scorer, embedder.name, empty.found)
    empty.database.close()


def test_labels_of_other_documents_are_one_sentence(shop: Shop) -> None:
    other = [
        dataclasses.replace(one, documents=("other.md",)) if one.answerable else one
        for one in labelled()
    ]
    with pytest.raises(KnowledgeError, match="belong to these documents"):
        fit(other, shop.scorer, shop.embedder.name, shop.found)


@pytest.mark.parametrize(
    ("text", "fact", "expected"),
    [
        ("It takes 4–7 Days.", ("4-7 days", "4–7 days"), True),
        ("普通快递运费 10 元。", ("10元",), True),
        ("CANNOT be\nreturned", ("cannot be returned",), True),
        ("It can be returned.", ("cannot be returned", "can't be returned"), False),
        ("anything", (), False),
    ],
)
def test_a_fact_holds_in_any_of_its_spellings(
    text: str, fact: tuple[str, ...], expected: bool
) -> None:
    assert holds(text, fact) is expected


def test_an_earlier_turn_is_a_part_of_the_query() -> None:
    one = Labelled("and to Spain?", "how long to France", "en", True)
    assert one.query == "how long to France and to Spain?"
    assert dataclasses.replace(one, context="").query == "and to Spain?"
