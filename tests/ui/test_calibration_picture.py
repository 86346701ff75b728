"""How far the confidence can be trusted, on the health page and as a file."""

from __future__ import annotations

import csv
import io

import httpx
import numpy as np
import pytest

from knowledge.evidence import with_prior
from knowledge.weights import LanguageWeights, Logistic, load
from tests.ui.conftest import Running
from tests.ui.staff import session_of
from ui.pages.calibration_picture import csv_of, shown
from ui.roles import Role
from ui.texts import texts


def test_the_packaged_weights_tell_how_right_they_are() -> None:
    weights = load()
    for name in ("en", "zh", "any"):
        model = weights.languages[name]
        assert model.reliability.shape == (10, 3)
        said, held, count = model.reliability.T
        assert (np.diff(said) >= 0).all() and (held >= 0).all() and (held <= 1).all()
        assert count.sum() > 800 and model.error is not None and model.error < 0.1
    page = shown(weights, 0.67, texts("zh-Hans"))
    assert page.count("<img") == 2 and "英文" in page and "中文" in page and "67%" in page
    rows = list(csv.reader(io.StringIO(csv_of(weights, 0.67))))
    assert rows[0] == ["language", "expected", "answerable", "questions"] and len(rows) == 21


def test_weights_of_before_say_so() -> None:
    empty = LanguageWeights(Logistic(np.zeros(1), np.ones(1), np.zeros(1), 0.0), 0.5)
    assert empty.error is None
    assert "zhike knowledge calibrate" in shown(None, 0.67, texts("en"))
    assert csv_of(None, 0.67).count("\n") == 1


@pytest.mark.parametrize("share", [0.1, 0.5, 0.67, 0.99])
def test_a_prior_moves_probabilities_and_keeps_their_order(share: float) -> None:
    moved = [with_prior(p, share) for p in (0.0, 0.2, 0.5, 0.8, 1.0)]
    assert moved == sorted(moved) and moved[0] == 0.0
    assert moved[-1] == pytest.approx(1.0)
    assert moved[2] == pytest.approx(share)


def test_the_file_is_for_staff(running: Running) -> None:
    cookies = {"zhike_desk": session_of(running.site, Role.VIEWER)}
    got = httpx.get(f"{running.url}/desk/calibration.csv", cookies=cookies)
    assert got.status_code == 200 and "language,expected" in got.text
    assert httpx.get(f"{running.url}/desk/calibration.csv").status_code == 401
