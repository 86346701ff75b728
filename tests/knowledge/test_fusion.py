"""Scores of both arms by hand: scales that agree, exact wishes, pages with more to say."""

from __future__ import annotations

import numpy as np
import pytest

from knowledge import fusion


@pytest.mark.parametrize(
    ("question", "wanted"),
    [
        ("Where is order SL2403150077?", ("SL2403150077",)),
        ("error E2 on the K1", ("E2", "K1")),
        ("K1壶显示E5怎么办", ("K1", "E5")),
        ("订单 20240315007 在哪", ("20240315007",)),
        ("it says “dry boil” and stops", ("dry boil",)),
        ("页面显示「支付失败」", ("支付失败",)),
        ("can I return tea within 30 days", ()),
        ("how much is 2.5 kg", ()),
        ("call 400-820 please", ()),
    ],
)
def test_what_is_wanted_letter_by_letter(question: str, wanted: tuple[str, ...]) -> None:
    assert fusion.exact(question) == wanted


def test_meaning_begins_at_the_background() -> None:
    assert fusion.meaning(np.array([0.7, 0.8, 0.9, 1.0]), 0.8).tolist() == pytest.approx(
        [0.0, 0.0, 0.5, 1.0]
    )
    assert fusion.meaning(np.array([0.5]), 1.0).tolist() == [0.0]  # one passage, and nothing else


def test_the_sum_is_a_share_of_the_best_possible() -> None:
    ones, none, own, foreign = np.ones(1), np.zeros(1), np.array([False]), np.array([True])
    assert fusion.fuse(ones, ones, ones, foreign, fusion.KEYWORD) == pytest.approx(1.0)
    assert fusion.fuse(none, none, none, foreign, fusion.KEYWORD) == pytest.approx(0.0)
    words = fusion.fuse(none, none, ones, own, fusion.KEYWORD)
    assert fusion.fuse(none, none, ones, own, fusion.EXACT) > words
    assert fusion.fuse(ones, none, none, own, fusion.KEYWORD) > words


def test_a_title_counts_more_where_words_cannot() -> None:
    one, none = np.ones(1), np.zeros(1)
    own = fusion.fuse(none, one, none, np.array([False]), fusion.KEYWORD)
    foreign = fusion.fuse(none, one, none, np.array([True]), fusion.KEYWORD)
    assert 0 < own[0] < foreign[0]
