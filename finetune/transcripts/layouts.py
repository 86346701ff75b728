"""The mappings that people gave, remembered per layout of a file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from sqlite_utils import Database as Sqlite
from sqlite_utils import Migrations

from finetune.transcripts.columns import plain
from knowledge.database import Database

CHAT_LOG = ("chat log",)  # the layout of all plain logs
migrations = Migrations("transcripts")


@migrations()
def m001_layouts(db: Sqlite) -> None:
    """layouts: a header's hash → field to column. put_back: dropped rows that people want."""
    db.table("transcript_layouts").create(
        {"layout": str, "header": str, "mapping": str, "changed": str}, pk="layout", strict=True
    )
    db.table("transcripts_put_back").create({"id": str, "changed": str}, pk="id", strict=True)


class Layouts:
    """Header → mapping, in the home's database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        database.migrate(migrations)

    def mapping(self, header: Sequence[str]) -> dict[str, str]:
        """Field → column as last given for a file with this header; {} when nobody did."""
        row = self._database.row(
            "SELECT mapping FROM transcript_layouts WHERE layout = ?", _layout(header)
        )
        return dict(json.loads(row["mapping"])) if row else {}

    def remember(self, header: Sequence[str], mapping: Mapping[str, str]) -> None:
        """Use it for every file with this header from now on."""
        row = {
            "layout": _layout(header),
            "header": json.dumps(list(header), ensure_ascii=False),
            "mapping": json.dumps(dict(mapping), ensure_ascii=False),
            "changed": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        with self._database.write() as db:
            db.table("transcript_layouts").upsert(row, pk="layout")


def _layout(header: Sequence[str]) -> str:
    return hashlib.sha256("\x1f".join(map(plain, header)).encode()).hexdigest()
