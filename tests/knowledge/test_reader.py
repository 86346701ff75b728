"""The reader: which sentence answers, what is kept of a passage, and what it was trained to do."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

from knowledge import minilm
from knowledge.errors import KnowledgeError
from knowledge.reader import UNREAD, Reader, Reading, english, packaged

PAGES = {
    "en": (
        "Kettles › Care",
        [
            "The descaler sachet costs $4 and is enough for two rounds.",
            "Descaling takes about half an hour, plus two boils with clear water.",
            "Never put the base under running water; wipe it with a damp cloth.",
        ],
    ),
    "zh": (
        "水壶 › 保养",
        [
            "除垢剂每袋 15 元，一袋够用两次。",
            "除垢大约需要半小时，之后用清水煮两遍。",
            "底座不能冲洗，请用湿布擦拭。",
        ],
    ),
}
QUESTIONS = [
    ("en", "how much is one bag of that stuff against limescale", 0),
    ("en", "how much time should i plan for getting the limescale off", 1),
    ("en", "can i rinse the base in the sink?", 2),
    ("zh", "去水垢那个东西多少钱一包", 0),
    ("zh", "去一次水垢得花多长时间", 1),
    ("zh", "底座能拿到水龙头下面冲吗", 2),
]
MISSES = [
    ("en", "what colour is the descaler sachet"),
    ("en", "who invented the kettle"),
    ("zh", "除垢剂是什么颜色的"),
    ("zh", "壶的电源线有多长"),
]


@pytest.fixture(scope="module")
def reader() -> Reader:
    return packaged()


@pytest.fixture(scope="module")
def readings(reader: Reader) -> dict[str, Reading]:
    return {language: reader.passage(above, said) for language, (above, said) in PAGES.items()}


@pytest.mark.parametrize(("language", "question", "right"), QUESTIONS)
def test_the_best_sentence_is_the_one_that_answers(
    reader: Reader, readings: dict[str, Reading], language: str, question: str, right: int
) -> None:
    scores = reader.compare(reader.question(question), readings[language], 3)
    assert int(scores.argmax()) == right


def test_what_no_sentence_answers_scores_below_what_one_does(
    reader: Reader, readings: dict[str, Reading]
) -> None:
    def best(language: str, question: str) -> float:
        return float(reader.compare(reader.question(question), readings[language], 3).max())

    answered = [best(language, question) for language, question, _ in QUESTIONS]
    missed = [best(language, question) for language, question in MISSES]
    assert np.mean(missed) < np.mean(answered) - 1


def test_the_reader_of_english_finds_the_english_sentences(models: Path) -> None:
    folder = minilm.pulled(models)
    if folder is None:
        pytest.skip("all-MiniLM-L6-v2 was not pulled")
    reader = english(folder)
    above, said = PAGES["en"]
    reading = reader.passage(above, said)
    for language, question, right in QUESTIONS:
        if language == "en":
            scores = reader.compare(reader.question(question), reading, 3)
            assert int(scores.argmax()) == right
    assert reader.name != packaged().name


def test_a_reading_survives_being_stored(reader: Reader, readings: dict[str, Reading]) -> None:
    asking = reader.question("how much is it")
    for reading in readings.values():
        again = reader.unpack(reading.packed())
        assert np.array_equal(reader.compare(asking, again, 3), reader.compare(asking, reading, 3))


def test_what_is_too_long_to_read_scores_lowest(reader: Reader) -> None:
    reading = reader.passage("Teas", [f"Tea number {i} " + "is green and " * 30 for i in range(9)])
    assert len(reading.part) <= 320
    scores = reader.compare(reader.question("which tea is green?"), reading, 9)
    assert scores[-1] == UNREAD and (scores[:2] > UNREAD).all()


@pytest.mark.parametrize("question", ["", "？", "x" * 3000, "\0", "🍵"])
def test_odd_questions_get_finite_scores(
    reader: Reader, readings: dict[str, Reading], question: str
) -> None:
    assert np.isfinite(reader.compare(reader.question(question), readings["en"], 3)).all()


def test_threads_agree(reader: Reader, readings: dict[str, Reading]) -> None:
    expected = reader.compare(reader.question("how much?"), readings["en"], 3)
    found: list[bool] = []

    def ask() -> None:
        fresh = Reader()
        scores = fresh.compare(fresh.question("how much?"), readings["en"], 3)
        found.append(bool(np.allclose(scores, expected, atol=1e-4)))

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [True, True]


def test_damaged_weights_are_one_clear_sentence(tmp_path: Path) -> None:
    (tmp_path / "reader.safetensors").write_bytes(b"\x80\x04pickle")
    with pytest.raises(KnowledgeError, match="the reader's weights cannot be read"):
        Reader(tmp_path / "reader.safetensors")
    with pytest.raises(KnowledgeError, match=r"gone\.safetensors"):
        Reader(tmp_path / "gone.safetensors")
