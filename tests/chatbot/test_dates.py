"""Days and spans by the conversation's clock: Thursday, 26 November 2026."""

from __future__ import annotations

import csv
from datetime import date
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.dates import mentions

TODAY = date(2026, 11, 26)
DATA = Path(__file__).parents[1] / "data" / "dates.csv"
ROWS = list(csv.reader(DATA.read_text("utf-8").splitlines()))[1:]


@pytest.mark.parametrize(("text", "wanted"), ROWS, ids=[row[0] for row in ROWS])
def test_what_is_mentioned(text: str, wanted: str) -> None:
    assert " ".join(m.value for m in mentions(text, TODAY)) == wanted


def test_several_are_found_in_order() -> None:
    found = mentions("bought yesterday, needed by 2026-12-24", TODAY)
    assert [(m.text, m.value) for m in found] == [
        ("yesterday", "2026-11-25"),
        ("by 2026-12-24", "../2026-12-24"),
    ]


def test_a_month_has_its_own_last_day() -> None:
    (found,) = mentions("in a month", date(2026, 1, 31))
    assert found.value == "2026-02-28"
    (found,) = mentions("next year", date(2024, 2, 29))
    assert found.value == "2025-01-01/2025-12-31"


@given(st.text(max_size=60), st.dates(date(1990, 1, 1), date(2100, 1, 1)))
def test_any_text_and_day_is_read_without_an_error(text: str, today: date) -> None:
    for mention in mentions(text, today):
        assert text[mention.start : mention.end].strip() == mention.text


@given(st.lists(st.sampled_from([row[0] for row in ROWS]), min_size=1, max_size=3))
def test_joined_texts_never_overlap(texts: list[str]) -> None:
    found = mentions("。".join(texts), TODAY)
    assert all(a.end <= b.start for a, b in pairwise(found))
