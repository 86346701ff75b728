"""Office hours and days off: when people of the team answer."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from chatbot.errors import SettingsError

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
SHIFT = re.compile(
    r"(?P<first>[A-Za-z]{3})(?:\s*[-–]\s*(?P<last>[A-Za-z]{3}))?\s+"
    r"(?P<start>\d{1,2}:\d{2})\s*[-–]\s*(?P<end>\d{1,2}:\d{2})"
)
EXAMPLE = "Write for example Mon-Fri 09:00-18:00."
OFF = re.compile(r"(\d{4}-\d{2}-\d{2})(?:\s*\.\.\s*(\d{4}-\d{2}-\d{2}))?")
LONGEST_OFF = 366  # days of one entry
AHEAD = 800  # days that are looked through for the next opening


@dataclass(frozen=True, slots=True)
class Shift:
    """The same hours on some days in a row."""

    first: int  # 0 Monday … 6 Sunday
    last: int  # before `first` when the days go over Sunday
    start: int  # minutes after midnight
    end: int  # 1 … 1440, after `start`

    def covers(self, day: int, minute: int) -> bool:
        return self.on(day) and self.start <= minute < self.end

    def on(self, day: int) -> bool:
        return (day - self.first) % 7 <= (self.last - self.first) % 7


@dataclass(frozen=True, slots=True)
class Office:
    """The team's hours in its time zone; no shifts: at any time."""

    shifts: tuple[Shift, ...]
    zone: ZoneInfo
    off: tuple[tuple[date, date], ...] = ()  # first and last day of each time off

    @classmethod
    def of(cls, hours: tuple[str, ...], time_zone: str, closed: tuple[str, ...] = ()) -> Office:
        """Read the settings. Raises SettingsError."""
        if closed and not hours:
            raise SettingsError(
                "closed has days off, but there are no hours that they are off from. "
                "For people at any time write hours as Mon-Sun 00:00-24:00."
            )
        return cls(tuple(map(_shift, hours)), _zone(time_zone), tuple(map(_off, closed)))

    def open(self, at: datetime) -> bool:
        """Whether somebody should be there at this moment (with a time zone)."""
        there = at.astimezone(self.zone)
        minute = there.hour * 60 + there.minute
        if self._off(there.date()):
            return False
        return not self.shifts or any(s.covers(there.weekday(), minute) for s in self.shifts)

    def opens(self, at: datetime) -> datetime | None:
        """The next opening after `at`, in the office's time; None when open or never closed, and
        where it is more than two years off."""
        if self.open(at):
            return None
        there = at.astimezone(self.zone)
        for days in range(AHEAD):
            if self._off(there.date() + timedelta(days)):
                continue
            starts = [
                _at(there, days, shift.start)
                for shift in self.shifts
                if shift.on((there.weekday() + days) % 7)
            ]
            if later := [start for start in starts if start.astimezone(UTC) > at]:
                return min(later)
        return None

    def _off(self, day: date) -> bool:
        return any(first <= day <= last for first, last in self.off)


def _at(there: datetime, days: int, minute: int) -> datetime:
    """That minute of the wall clock so many days later, across a change of summer time too."""
    day = there.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=days)
    return day.replace(hour=minute // 60, minute=minute % 60)


def _shift(text: str) -> Shift:
    match = SHIFT.fullmatch(text.strip())
    if match is None:
        raise SettingsError(f"{text!r} are no office hours. {EXAMPLE}")
    first, last = (_day(name, text) for name in (match["first"], match["last"] or match["first"]))
    start, end = (_minute(time, text) for time in (match["start"], match["end"]))
    if start >= end:
        raise SettingsError(
            f"{text!r}: the end must come after the start; write two lines for hours over midnight."
        )
    return Shift(first, last, start, end)


def _off(text: str) -> tuple[date, date]:
    match = OFF.fullmatch(text.strip())
    try:
        if match is None:
            raise ValueError
        first = date.fromisoformat(match[1])
        last = date.fromisoformat(match[2] or match[1])
    except ValueError:
        raise SettingsError(
            f"closed has {text!r}, which is no day. Write 2026-12-25, or 2026-10-01..2026-10-07."
        ) from None
    if not timedelta(0) <= last - first < timedelta(LONGEST_OFF):
        raise SettingsError(
            f"closed has {text!r}: the last day comes after the first, within a year."
        )
    return first, last


def _day(name: str, text: str) -> int:
    if name.title() not in DAYS:
        raise SettingsError(f"{text!r}: {name!r} is no day. Known: {', '.join(DAYS)}.")
    return DAYS.index(name.title())


def _minute(time: str, text: str) -> int:
    hour, minute = map(int, time.split(":"))
    if minute > 59 or hour * 60 + minute > 24 * 60:
        raise SettingsError(f"{text!r}: {time!r} is no time of day. {EXAMPLE}")
    return hour * 60 + minute


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # OSError: the name of a folder of zones
        raise SettingsError(
            f"time_zone: {name!r} is no time zone. Write a name of the IANA list, "
            "such as Asia/Shanghai or Europe/Berlin."
        ) from None
