"""Points in time as exports write them → ISO 8601, with the zone where one is told."""

from __future__ import annotations

import re
from datetime import UTC, datetime

WRITTEN = re.compile(
    r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?[T ]*(\d{1,2}):(\d{2})(?::(\d{2}))?(?:[.,]\d+)?"
    r"\s*(Z|UTC|GMT|[+-]\d{2}:?\d{2})?$"
)
SECONDS = 1e11  # a larger number counts milliseconds


def moment(value: object) -> str:
    """`value` as ISO 8601; seconds or milliseconds since 1970 are UTC.

    A zone is kept, never converted; where none is told none is invented. What is not understood
    (05/06/2024 is May or June) stays as written.
    """
    if isinstance(value, bool) or value is None:
        return ""
    text = str(value).strip()
    if re.fullmatch(r"\d{9,10}|\d{12,13}|\d{9,10}\.\d+", text):
        number = float(text)
        seconds = number / 1000 if number > SECONDS else number
        return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
    match = WRITTEN.fullmatch(text)
    if match is None:
        return text
    year, month, day, hour, minute, second, zone = match.groups()
    try:
        found = datetime(int(year), int(month), int(day), int(hour), int(minute), int(second or 0))
    except ValueError:
        return text
    return found.isoformat() + _zone(zone)


def _zone(written: str | None) -> str:
    if not written:
        return ""
    if written in ("Z", "UTC", "GMT"):
        return "+00:00"
    return written if ":" in written else f"{written[:3]}:{written[3:]}"


def parsed(time: str) -> datetime | None:
    """For comparing: without a zone it counts as UTC; None for what is no full date."""
    try:
        found = datetime.fromisoformat(time)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
