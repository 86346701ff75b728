"""What the program logs: as text for people, or one JSON object a line for machines.

No record holds what customers or staff wrote; a call is named by its id, which every answer
carries.
"""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime

OWN = {*vars(logging.makeLogRecord({})), "message", "asctime", "color_message"}


class JsonLines(logging.Formatter):
    """{"time", "level", "logger", "message", …what was added, "error" when one was caught}."""

    def format(self, record: logging.LogRecord) -> str:
        entry = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        entry |= {key: value for key, value in vars(record).items() if key not in OWN}
        if record.exc_info:
            entry["error"] = self.formatException(record.exc_info)
        return json.dumps(entry, ensure_ascii=False, default=str)


def as_json(level: int = logging.INFO) -> None:
    """From now on every record of the process is a line of JSON on standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in ("uvicorn", "uvicorn.error"):  # which else write their own way
        own = logging.getLogger(name)
        own.handlers.clear()
        own.propagate = True
    for noisy in ("httpx", "httpcore", "asyncio", "filelock"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
