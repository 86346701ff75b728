"""Labelled files, and the scores that are promised by name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from chatbot.errors import IntentError
from chatbot.intents import labelled
from chatbot.intents.labelled import KEYS, Data, Row, Sets
from chatbot.intents.model import Judged
from tests.chatbot.intents.texts import FAR, embedded, sentences


def test_a_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes('\ufefftext,intent\n"a, b",x|y\n\n退款,z\nhm,\n'.encode())
    assert labelled.read(path) == [Row("a, b", ("x", "y")), Row("退款", ("z",)), Row("hm", ())]
    (x, y, z) = labelled.definitions(labelled.read(path))
    assert (x.name, x.examples, y.examples, z.examples) == ("x", ("a, b",), ("a, b",), ("退款",))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "cannot be read"),
        (b"text,intent\n", "no rows"),
        (b"text,intent\na\n", "row 2"),
        (b"text,intent\na,x\n,x\n", "row 3"),
        (b"text,intent\n\xff,x\n", "UTF-8"),
    ],
)
def test_what_is_wrong_with_a_file(tmp_path: Path, content: bytes | None, said: str) -> None:
    path = tmp_path / "a.csv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(IntentError, match=said):
        labelled.read(path)


def test_scores_of_a_case_counted_by_hand() -> None:
    chances = np.array([[0.9, 0.1], [0.8, 0.7], [0.4, 0.2], [0.6, 0.3]])
    labels = np.array([[True, False], [True, True], [False, True], [False, False]])
    outside = np.array([False, False, False, True])
    judged = Judged(chances, np.array([0.9, 0.8, 0.3, 0.5]))
    found = labelled.scores(judged, labels, Sets(outside, 0.6, may_be_none=False))
    free = labelled.scores(judged, labels, Sets(outside, 0.6, may_be_none=True))
    assert free["micro_f1"] == pytest.approx(2 * 3 / (3 + 4))
    assert found["accuracy"] == pytest.approx(2 / 4)
    assert found["in_scope_accuracy"] == pytest.approx(2 / 3)
    assert found["oos_auroc"] == pytest.approx(2 / 3)
    assert found["in_scope_kept"] == pytest.approx(2 / 3)
    assert found["oos_recall"] == 1.0
    assert found["micro_f1"] == pytest.approx(2 * 3 / (4 + 4))
    assert found["exact_set"] == pytest.approx(2 / 3)
    assert found["ece"] == pytest.approx((0.1 + 0.2 + 0.4) / 3)


def rows(start: int, step: int) -> list[Row]:
    return [Row(text, (topic,)) for text, topic in sentences()[start::step]]


def measured(shots: int | None, valid: list[Row] | None = None) -> dict[str, object]:
    outside = [Row("dolphins are mammals", ("oos",)), Row("violins in june", ("oos",))]
    data = Data(rows(0, 2), [*rows(1, 2), *outside], valid, "oos")
    return labelled.measure(data, embedded, FAR, "hand", shots, 1)


@pytest.mark.parametrize("shots", [None, 5, 1, 0])
def test_every_number_of_shots_gives_every_key(shots: int | None) -> None:
    found = measured(shots)
    assert set(found) == set(KEYS)
    assert isinstance(found["in_scope_accuracy"], float)
    assert found["in_scope_accuracy"] > {None: 0.9, 5: 0.8, 1: 0.4, 0: 0.3}[shots]


def test_the_floor_comes_from_the_validation_file() -> None:
    kept = measured(None, rows(1, 2))["in_scope_kept"]  # here the very rows of the test
    assert kept == pytest.approx(0.94, abs=0.02)
