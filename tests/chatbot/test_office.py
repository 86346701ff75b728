"""Office hours: which moments count, when the next one comes, and what is no setting."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from chatbot.errors import SettingsError
from chatbot.office import Office
from chatbot.settings import HandoverSettings

SHANGHAI = Office.of(("Mon-Fri 09:00-18:00", "Sat 10:00-14:00"), "Asia/Shanghai")


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("at", "there"),
    [("2026-11-23T00:59", False), ("2026-11-23T01:00", True), ("2026-11-23T09:59", True),
     ("2026-11-23T10:00", False), ("2026-11-28T02:00", True), ("2026-11-28T06:00", False),
     ("2026-11-29T02:00", False)],
)  # fmt: skip
def test_hours_are_those_of_the_office(at: str, there: bool) -> None:
    assert SHANGHAI.open(utc(at)) is there


def test_the_next_opening() -> None:
    friday, sunday = utc("2026-11-27T11:00"), utc("2026-11-29T02:00")
    assert str(SHANGHAI.opens(friday)) == "2026-11-28 10:00:00+08:00"
    assert str(SHANGHAI.opens(sunday)) == "2026-11-30 09:00:00+08:00"
    assert SHANGHAI.opens(utc("2026-11-23T02:00")) is None


def test_summer_time_begins_on_the_day_of_the_opening() -> None:
    berlin = Office.of(("Sun 09:00-12:00",), "Europe/Berlin")
    assert str(berlin.opens(utc("2026-03-28T12:00"))) == "2026-03-29 09:00:00+02:00"


def test_days_may_go_over_sunday() -> None:
    weekend = Office.of(("Fri-Mon 00:00-24:00",), "UTC")
    assert [weekend.open(utc(f"2026-11-{day}T12:00")) for day in range(23, 30)] == [
        *(True, False, False, False, True, True, True)
    ]


def test_without_hours_somebody_may_always_be_there() -> None:
    assert Office.of((), "UTC").open(utc("2026-12-25T03:00"))
    assert Office.of((), "UTC").opens(utc("2026-12-25T03:00")) is None


WEEK = Office.of(
    ("Mon-Fri 09:00-18:00",), "Asia/Shanghai", ("2026-10-01..2026-10-07", "2026-10-09")
)


def test_days_off_are_off_in_the_offices_time() -> None:
    assert WEEK.open(utc("2026-09-30T09:59")) and not WEEK.open(utc("2026-10-01T02:00"))
    assert not WEEK.open(utc("2026-10-07T02:00")) and WEEK.open(utc("2026-10-08T01:00"))
    assert not WEEK.open(utc("2026-10-09T02:00"))
    assert str(WEEK.opens(utc("2026-09-30T11:00"))) == "2026-10-08 09:00:00+08:00"
    assert str(WEEK.opens(utc("2026-10-08T11:00"))) == "2026-10-12 09:00:00+08:00"


def test_years_off_have_no_opening() -> None:
    years = tuple(f"{year}-01-01..{year}-12-31" for year in range(2026, 2031))
    assert Office.of(("Mon 09:00-18:00",), "UTC", years).opens(utc("2026-10-08T11:00")) is None


@pytest.mark.parametrize(
    ("closed", "word"),
    [("Christmas", "is no day"), ("2026-02-30", "is no day"), ("2026-10-07..2026-10-01", "after"),
     ("2026-01-01..2027-06-01", "within a year"), ("2026-10-01..", "is no day"), ("", "is no day")],
)  # fmt: skip
def test_a_bad_day_off_is_a_sentence(closed: str, word: str) -> None:
    with pytest.raises(SettingsError, match=word):
        HandoverSettings(("Mon 09:00-18:00",), closed=(closed,))
    with pytest.raises(SettingsError, match="no hours that they are off from"):
        HandoverSettings(closed=(closed,))


@pytest.mark.parametrize(
    ("hours", "zone", "word"),
    [("9 to 5", "UTC", "no office hours"), ("Mon-Fri 18:00-09:00", "UTC", "after the start"),
     ("Mon-Fry 09:00-18:00", "UTC", "'Fry' is no day"), ("Mon 09:00-25:00", "UTC", "time of day"),
     ("Mon 09:75-10:00", "UTC", "time of day"), ("Mon 09:00-18:00", "Mars/Base", "no time zone"),
     ("Mon 09:00-18:00", "", "no time zone"), ("Mon 09:00-18:00", "../etc", "no time zone"),
     ("Mon 09:00-18:00", "Europe", "no time zone")],
)  # fmt: skip
def test_a_bad_setting_is_a_sentence(hours: str, zone: str, word: str) -> None:
    with pytest.raises(SettingsError, match=word):
        HandoverSettings((hours,), zone)
