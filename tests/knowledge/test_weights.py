"""Weights on disk: numbers only, whole or refused with a sentence."""

from __future__ import annotations

import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from knowledge import weights
from knowledge.errors import KnowledgeError
from knowledge.features import QUESTION_FEATURES, SENTENCE_FEATURES
from knowledge.weights import Forest, LanguageWeights, Logistic, Weights


def _weights(width: int = len(SENTENCE_FEATURES), seed: int = 0) -> Weights:
    random = np.random.default_rng(seed)
    model = Logistic(random.normal(size=width), np.ones(width), random.normal(size=width), 0.3)
    rows = random.normal(size=(40, len(QUESTION_FEATURES)))
    languages = {"any": LanguageWeights(model, 0.5), "zh": LanguageWeights(model, 0.6)}
    return Weights("embedder@1", languages, Forest(rows, rows[:, 0] > 0))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "evidence.npz"


def test_the_packaged_weights_fit_the_features() -> None:
    packaged = weights.load()
    assert {"any", "en", "zh"} <= set(packaged.languages)
    assert packaged.embedder.startswith("multilingual-e5-small@")
    for model in packaged.languages.values():
        assert model.sentence.weight.shape == (len(SENTENCE_FEATURES),)
        assert 0 < model.floor < 1
    assert packaged.question.rows.shape[1] == len(QUESTION_FEATURES)


@pytest.mark.parametrize(
    ("language", "name"),
    [("zh-Hans", "zh"), ("zh-Hant", "zh"), ("zh", "zh"), ("ja", "any"), ("", "any")],
)
def test_a_language_without_weights_of_its_own_uses_any(language: str, name: str) -> None:
    made = _weights()
    assert made.of(language) is made.languages[name]


def test_saved_and_loaded_gives_identical_probabilities(path: Path) -> None:
    made = _weights()
    weights.save(made, path)
    again = weights.load(path)
    rows = np.random.default_rng(1).normal(size=(50, len(SENTENCE_FEATURES)))
    questions = np.random.default_rng(2).normal(size=(20, len(QUESTION_FEATURES)))
    for name, model in made.languages.items():
        loaded = again.languages[name]
        assert (loaded.floor, loaded.sentence.bias) == (model.floor, model.sentence.bias)
        assert np.array_equal(loaded.sentence.probability(rows), model.sentence.probability(rows))
    assert [again.question.probability(q) for q in questions] == [
        made.question.probability(q) for q in questions
    ]
    assert again.embedder == made.embedder


def test_a_probability_is_between_0_and_1_also_far_out() -> None:
    model = _weights().languages["any"].sentence
    rows = np.array([[1e9] * len(SENTENCE_FEATURES), [-1e9] * len(SENTENCE_FEATURES)])
    assert np.isfinite(model.probability(rows)).all()
    assert ((model.probability(rows) >= 0) & (model.probability(rows) <= 1)).all()


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-400])


def _flipped(path: Path) -> None:
    data = bytearray(path.read_bytes())
    for i in range(200, 260):
        data[i] ^= 0xFF
    path.write_bytes(bytes(data))


def _text(path: Path) -> None:
    path.write_text("not an archive", encoding="utf-8")


def _lone_array(path: Path) -> None:
    with path.open("wb") as file:
        np.save(file, np.zeros(3))


def _other_archive(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("hello.txt", "hello")


def _without_an_array(path: Path) -> None:
    with np.load(path, allow_pickle=False) as stored:
        table = {name: value for name, value in stored.items() if name != "zh.floor"}
    with path.open("wb") as file:
        np.savez_compressed(file, **table)


def _other_features(path: Path) -> None:
    weights.save(_weights(width=len(SENTENCE_FEATURES) - 1), path)


def _without_any(path: Path) -> None:
    made = _weights()
    weights.save(Weights(made.embedder, {"zh": made.of("zh")}, made.question), path)


@pytest.mark.parametrize(
    "damage",
    [
        _empty,
        _cut,
        _flipped,
        _text,
        _lone_array,
        _other_archive,
        _without_an_array,
        _other_features,
        _without_any,
        Path.unlink,
    ],
    ids=lambda damage: damage.__name__,
)
def test_a_damaged_file_is_one_sentence(path: Path, damage: Callable[[Path], None]) -> None:
    weights.save(_weights(), path)
    damage(path)
    with pytest.raises(KnowledgeError, match=r"evidence\.npz: .* cannot be read") as caught:
        weights.load(path)
    assert "\n" not in str(caught.value)
    assert "Remove the file" in str(caught.value)


class Harmful:
    """Leaves a mark when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return (Path.touch, (self.mark,))


def test_a_pickle_is_never_opened(path: Path, tmp_path: Path) -> None:
    mark = tmp_path / "unpickled"
    pickled = Harmful(mark)
    path.write_bytes(pickle.dumps(pickled))
    with pytest.raises(KnowledgeError):
        weights.load(path)
    weights.save(_weights(), path)
    with np.load(path, allow_pickle=False) as stored:
        table = dict(stored) | {"labels": np.array([pickled], dtype=object)}
    with path.open("wb") as file:
        np.savez_compressed(file, allow_pickle=True, **table)
    with pytest.raises(KnowledgeError, match="pickle"):
        weights.load(path)
    assert not mark.exists()
    with np.load(path, allow_pickle=True) as harmful:
        assert harmful["labels"].shape == (1,)
    assert mark.exists()  # it would have been harmful


def test_what_cannot_be_written_is_one_sentence_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(KnowledgeError, match="cannot be written"):
        weights.save(_weights(), tmp_path / "missing" / "evidence.npz")
    (tmp_path / "taken.npz").mkdir()
    with pytest.raises(KnowledgeError, match="cannot be written"):
        weights.save(_weights(), tmp_path / "taken.npz")
    assert [p.name for p in tmp_path.iterdir()] == ["taken.npz"]


def test_saving_again_replaces_the_file_as_a_whole(path: Path) -> None:
    weights.save(_weights(seed=0), path)
    weights.save(_weights(seed=1), path)
    assert np.array_equal(weights.load(path).question.rows, _weights(seed=1).question.rows)
    assert [p.name for p in path.parent.iterdir()] == ["evidence.npz"]


def test_the_error_of_chance_falls_with_the_number_of_questions() -> None:
    few, many = (
        weights.error_by_chance(np.random.default_rng(1).random(n), 5) for n in (100, 10_000)
    )
    assert 0.03 < few < 0.1 and many < 0.012
    assert weights.error_by_chance(np.repeat([0.0, 1.0], 50), 5) == 0.0  # nothing is left to chance
