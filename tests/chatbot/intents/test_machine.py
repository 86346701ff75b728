"""Machines that skip the easy examples are those of all examples."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from sklearn.svm import LinearSVC

from chatbot.intents import machine
from chatbot.intents.machine import FEW, HARDEST, C, few, machines

ROWS = 2_000


def rows(count: int) -> tuple[sparse.csr_matrix, np.ndarray, np.ndarray]:
    """Joined features, dense ones, and three intents that overlap; some rows have two of them."""
    chance = np.random.default_rng(0)
    labels = chance.random((count, 3)) < (0.05, 0.1, 0.3)
    dense = (labels @ chance.normal(0, 0.4, (3, 8)) + chance.normal(0, 0.3, (count, 8))).astype(
        np.float32
    )
    grams = sparse.random(count, 50, 0.1, "csr", rng=1)
    return sparse.hstack([grams, sparse.csr_matrix(dense)], "csr", np.float64), dense, labels


@pytest.mark.parametrize("hardest", [20, HARDEST])  # with 20 some of the rest are needed, too
def test_they_are_the_machines_of_all_rows(hardest: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "HARDEST", hardest)
    joined, dense, labels = rows(ROWS)
    weights, bias = machines(joined, dense, labels)
    assert weights.shape == (58, 3)
    for place in range(3):
        whole = LinearSVC(C=C, tol=1e-3, max_iter=300, random_state=0).fit(joined, labels[:, place])
        expected = whole.coef_[0]
        assert weights[:, place] == pytest.approx(expected, abs=0.01 * np.abs(expected).max())
        assert bias[place] == pytest.approx(whole.intercept_[0], abs=0.01)


def test_few_rows_are_all_learned_from() -> None:
    joined, dense, labels = rows(HARDEST)
    weights, _ = machines(joined, dense, labels)
    whole = LinearSVC(C=C, tol=1e-3, max_iter=300, random_state=0).fit(joined, labels[:, 0])
    assert np.array_equal(weights[:, 0], whole.coef_[0].astype(np.float32))


def test_an_intent_of_all_or_no_rows_has_nothing_to_tell_apart() -> None:
    joined, dense, _ = rows(ROWS)
    labels = np.zeros((ROWS, 2), bool)
    labels[:, 0] = True
    weights, bias = machines(joined, dense, labels)
    assert not weights.any() and bias.tolist() == [1, -1]


def test_the_same_rows_give_the_same_numbers() -> None:
    first, second = (machines(*rows(ROWS)) for _ in range(2))
    assert np.array_equal(first[0], second[0]) and np.array_equal(first[1], second[1])


def test_intents_of_few_examples_are_learned_together_in_the_same_scale() -> None:
    joined, dense, labels = rows(30)
    labels = np.arange(30)[:, None] % 3 == np.arange(3)
    assert few(joined, labels) and not few(joined, np.ones((FEW, 3), bool))
    weights, bias = machines(joined, dense, labels, together=True)
    alone, _ = machines(joined, dense, labels)
    scores = joined @ weights + bias
    assert weights.shape == alone.shape and not np.array_equal(weights, alone)
    assert scores[labels].mean() == pytest.approx(1, abs=1e-3)
    assert scores[~labels].mean() == pytest.approx(-1, abs=1e-3)


def test_two_intents_are_told_apart_by_machines_of_their_own() -> None:
    joined, dense, labels = rows(30)
    two = np.stack([labels[:, 2], ~labels[:, 2]], 1)
    together, alone = (machines(joined, dense, two, t)[0] for t in (True, False))
    assert np.array_equal(together, alone)
