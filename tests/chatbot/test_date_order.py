"""Dates of digits alone: a day above 12, the setting, the language; or both readings."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.date_order import DateOrder, digits
from chatbot.dates import mentions
from chatbot.entities import entities

TODAY = date(2026, 11, 26)
BOTH = "2026-03-04 | 2026-04-03"


def _read(text: str, language: str | None = None, order: DateOrder = "") -> str:
    return ", ".join(m.value for m in mentions(text, TODAY, language, order))


@pytest.mark.parametrize(
    ("text", "language", "order", "value"),
    [
        ("03/04/2026", "en", "", BOTH),
        ("03/04/2026", None, "", BOTH),
        ("3-4-2026", "en", "", BOTH),
        ("03.04.2026", "en", "", BOTH),
        ("03.04.26", "en", "", BOTH),
        ("3/4/26", "en", "", BOTH),
        ("03/04/2026", "en", "month-day", "2026-03-04"),
        ("03/04/2026", "zh-Hans", "day-month", "2026-04-03"),
        ("25/12/2026", "en", "month-day", "2026-12-25"),  # a day above 12 decides
        ("12/25/2026", "en", "day-month", "2026-12-25"),
        ("04/04/2026", "en", "", "2026-04-04"),  # one reading
        ("30/02/2026, 31/04/2026", "en", "", ""),  # no such day
        ("00/00/0000 13/13/2026 99/99/9999", "en", "", ""),
        ("by 03/04/2026", "en", "", "../2026-03-04 | ../2026-04-03"),
        ("before 03/04/2026", "en", "month-day", "../2026-03-03"),
        ("since 03/04/2026", "en", "", "2026-03-04/.. | 2026-04-03/.."),
        ("1/2/2026-3/4/2026", "en", "day-month", "2026-02-01, 2026-04-03"),
        ("on 25/12/2026 and 03/04/2026", "en", "month-day", "2026-12-25, 2026-04-03"),
        ("24/3/26", "en", "", "2026-03-24"),
        ("24/3/26", "zh-Hans", "", "2024-03-26"),  # year, month, day
        ("24/3/26", "zh-Hant", "", "2024-03-26 | 2026-03-24"),
        ("26/3/4", "zh-Hans", "", "2026-03-04"),
        ("1/2/99", "en", "", ""),  # no year that is near
    ],
)
def test_with_a_year(text: str, language: str | None, order: DateOrder, value: str) -> None:
    assert _read(text, language, order) == value


@pytest.mark.parametrize(
    ("text", "language", "value"),
    [
        ("ordered on 12/4", "en", "2026-12-04 | 2027-04-12"),
        ("by the 12/24", "en", "../2026-12-24"),
        ("from 28/11 to 2/12", "en", "2026-11-28/.., 2026-12-02"),  # the second as the first
        ("3/12之前能到吗", "zh-Hans", "../2027-03-11"),
        ("12/3收到的", "zh-Hans", "2026-12-03"),
        ("12/3收到的", "zh-Hant", "2026-12-03 | 2027-03-12"),
        ("在12/24送到", "zh-Hans", "2026-12-24"),
    ],
)
def test_without_a_year_a_word_makes_it_a_date(text: str, language: str, value: str) -> None:
    assert _read(text, language) == value


@pytest.mark.parametrize(
    "text",
    [
        "3/4 cup of tea",
        "only 3/4 of it",
        "cut by 3/4 of the price",
        "we are here 24/7",
        "open on 24/7",
        "rated 4/5",
        "on 4/5 stars",
        "http://shop.example/3/4/2026",
        "10.12.20.26",
        "version 1.2.26",
        "v3/4/2026",
        "E03/04/2026",
        "3/4/2026/5",
        "11-12-13",
        "一共3/4的杯子",
    ],
)
def test_what_only_looks_like_a_date_is_none(text: str) -> None:
    assert _read(text) == "" and _read(text, "en") == "" and _read(text, "zh-Hans") == ""


def test_two_readings_are_one_entity() -> None:
    said = ["it came on 03/04/2026"]
    (both,) = entities(said, TODAY, "en")
    assert (both.kind, both.text, both.value) == ("date", "03/04/2026", BOTH)
    (one,) = entities(said, TODAY, "en", order="day-month")
    assert one.value == "2026-04-03"


@given(
    st.dates(date(1990, 1, 1), date(2100, 1, 1)),
    st.sampled_from(["/", "-", "."]),
    st.sampled_from(["en", "zh-Hans", "zh-Hant", None]),
)
def test_the_day_that_was_meant_is_always_among_the_readings(
    meant: date, sign: str, language: str | None
) -> None:
    for text, order in (
        (f"{meant.day:02}{sign}{meant.month:02}{sign}{meant.year}", "day-month"),
        (f"{meant.month:02}{sign}{meant.day:02}{sign}{meant.year}", "month-day"),
    ):
        ((_, readings),) = digits(text, TODAY, language)
        assert meant in readings and len(readings) <= 2
        given: DateOrder = "day-month" if order == "day-month" else "month-day"
        ((_, sure),) = digits(text, TODAY, language, given)
        assert sure == (meant,)
