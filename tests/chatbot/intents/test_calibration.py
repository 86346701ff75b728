"""Probabilities and floors from rows that were withheld."""

from __future__ import annotations

import numpy as np
import pytest

from chatbot.intents import calibration
from chatbot.intents.model import Judged, Logistic, sigmoid

PRIOR = Logistic(np.array([1.0, 0.0]))


def test_many_rows_outweigh_the_prior_and_none_leave_it() -> None:
    chance = np.random.default_rng(0)
    evidence = chance.normal(size=(4_000, 1))
    truth = chance.random(4_000) < sigmoid(3 * evidence[:, 0] - 1)
    found = calibration.logistic(evidence, truth, PRIOR, np.ones(4_000))
    assert found.weights == pytest.approx([3, -1], abs=0.3)
    none = calibration.logistic(np.empty((0, 1)), np.empty(0, bool), PRIOR, np.empty(0))
    assert none.weights == pytest.approx(PRIOR.weights)


def test_separable_rows_do_not_run_away() -> None:
    evidence = np.repeat([[-1.0], [1.0]], 400, axis=0)
    found = calibration.logistic(evidence, evidence[:, 0] > 0, PRIOR, np.ones(800))
    assert 1 < found.weights[0] < 20


def judged(top: np.ndarray, scope: np.ndarray) -> Judged:
    return Judged(np.stack([top, 1 - top], 1), scope)


def test_floors_keep_the_stated_shares() -> None:
    chance = np.random.default_rng(1)
    top = chance.uniform(0.5, 1, 2_000)
    right = chance.random(2_000) < top  # calibrated: the higher, the more often right
    labels = np.stack([right, ~right], 1)
    found = calibration.floors(judged(top, chance.random(2_000)), labels, chance.random(50))
    assert found.scope == pytest.approx(calibration.REJECTED, abs=0.01)
    taken = (top >= found.confidence) & (2 * top - 1 >= found.gap)
    assert (~right[taken]).mean() <= calibration.WRONG
    assert taken.any()


def test_hopeless_rows_get_the_strictest_useful_floors() -> None:
    top = np.full(200, 0.99)
    labels = np.stack([np.arange(200) % 2 == 0, np.arange(200) % 2 == 1], 1)
    found = calibration.floors(judged(top, np.ones(200)), labels, np.zeros(5))
    assert found.confidence >= 0.3  # half of what it says is wrong: no floor helps, none is refused
    assert calibration.floors(judged(top[:5], np.ones(5)), labels[:5], np.zeros(5)) == (
        calibration.CAUTIOUS
    )


def test_calibration_error_and_bins() -> None:
    told = np.repeat([0.25, 0.75], 100)
    right = np.concatenate([np.arange(100) < 25, np.arange(100) < 55])
    assert calibration.calibration_error(told, right) == pytest.approx(0.1)
    assert [b["count"] for b in calibration.bins(told, right)] == [100, 100]
    assert calibration.auroc(np.array([0.9, 0.8]), np.array([0.1])) == 1.0
    assert calibration.auroc(np.array([0.9]), np.empty(0)) is None
