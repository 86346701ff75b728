"""Whether a person of the team can answer now, and how that is said."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from chatbot.handovers import Status
from chatbot.office import Office, Shift
from ui.texts import Texts


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Availability:
    """Office hours, and whether somebody is logged in."""

    office: Office
    hours: tuple[str, ...]  # as in the settings
    staffed: Callable[[], bool]
    now: Callable[[], datetime] = _now

    def open(self) -> bool:
        """Whether these are office hours."""
        return self.office.open(self.now())

    def away(self) -> bool:
        """Whether nobody can be expected to answer soon."""
        return not self.open() or not self.staffed()

    def opens(self) -> datetime | None:
        """The next opening, in the office's time; None while open."""
        return self.office.opens(self.now())

    def sentence(self, status: Status, words: Texts) -> str:
        """What the customer is told while a call is open, or after it; "" when there is none."""
        if status.state == "person":
            return words("person.here", name=status.agent or words("customer.agent"))
        if status.state == "closed":
            return words("person.ended")
        if status.state != "waiting":
            back = status.outcome == "returned" and status.quiet
            return words("person.back") if back else ""
        said = [words("person.queue", position=status.position)]
        if not self.open():
            said.append(
                words("person.closed_now", when=self._when(words), hours=self.spoken(words))
            )
        else:
            if not self.staffed():
                said.append(words("person.nobody"))
            if self.office.shifts:
                said.append(words("person.hours", hours=self.spoken(words)))
        if status.contact:
            said.append(words("person.left"))
        elif self.away():
            said.append(words("person.leave"))
        return " ".join(said) if words.language == "en" else "".join(said)

    def spoken(self, words: Texts) -> str:
        """The office hours as the customer reads them, with the time zone."""
        days = words("person.days").split()
        shifts = words("person.and").join(
            _shift(shift, days, words) for shift in self.office.shifts
        )
        return f"{shifts} ({self.office.zone.key})"

    def _when(self, words: Texts) -> str:
        opens = self.opens()
        if opens is None:
            return ""
        day = words("person.days").split()[opens.weekday()]
        if opens - self.now() > timedelta(days=6):  # the weekday alone would be a nearer one
            return f"{day} {opens:%Y-%m-%d %H:%M}"
        return f"{day} {opens:%H:%M}"


def _shift(shift: Shift, days: list[str], words: Texts) -> str:
    first, last = days[shift.first], days[shift.last]
    span = first if first == last else words("person.span", first=first, last=last)
    return f"{span} {_time(shift.start)}–{_time(shift.end)}"


def _time(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"
