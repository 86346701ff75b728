"""kill -9 while documents are added: what was reported as added is whole, the rest is absent."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from knowledge.database import Database

from .conftest import Open

KILLS = int(os.environ.get("ZHIKE_KILLS", "8"))
DOCUMENTS = 12
PARAGRAPHS = 6
ROOT = Path(__file__).resolve().parents[2]
WORKER = """
import sys
from pathlib import Path
from knowledge.database import Database
from knowledge.embedder import PackagedE5
from knowledge.knowledge_base import KnowledgeBase
home, folder = Path(sys.argv[1]), Path(sys.argv[2])
base = KnowledgeBase(Database(home / "zhike.db"), home / "index", PackagedE5())
print("open", flush=True)
for one in base.add([folder]):
    print(one.status, one.document, flush=True)
    base.rebuild()
"""


def write_documents(folder: Path, version: int) -> None:
    """Each document has a heading per paragraph, and every paragraph the document's own word."""
    folder.mkdir(exist_ok=True)
    for number in range(DOCUMENTS):
        sections = (
            f"## Part {part}\n\nItem word{number}x of version {version}, part {part}.\n"
            for part in range(PARAGRAPHS)
        )
        (folder / f"{number}.md").write_text(f"# D{number}\n\n" + "\n".join(sections), "utf-8")


def run_and_kill(home: Path, folder: Path, seconds: float) -> set[str]:
    """The documents that the worker reported before it was killed."""
    worker = subprocess.Popen(
        [sys.executable, "-c", WORKER, str(home), str(folder)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert worker.stdout is not None
    assert worker.stdout.readline() == "open\n"
    time.sleep(seconds)
    worker.send_signal(signal.SIGKILL)
    lines = worker.communicate()[0].splitlines()
    return {line.split()[1] for line in lines if len(line.split()) == 2}


def whole(database: Database) -> None:
    """No half documents: chunks, vectors and keywords agree."""
    rows = database.rows(
        "SELECT d.path, count(c.id) chunks, count(v.chunk_id) vectors, count(k.rowid) keywords "
        "FROM documents d LEFT JOIN chunks c ON c.document_id = d.id "
        "LEFT JOIN vectors v ON v.chunk_id = c.id LEFT JOIN keywords k ON k.rowid = c.id "
        "GROUP BY d.id"
    )
    for row in rows:
        assert (row["chunks"], row["vectors"], row["keywords"]) == (PARAGRAPHS,) * 3, row
    assert database.row("PRAGMA integrity_check") == {"integrity_check": "ok"}
    database.here.execute("INSERT INTO keywords(keywords) VALUES ('integrity-check')")


@pytest.mark.slow
def test_kills_lose_nothing_that_was_reported(home: Path, tmp_path: Path, open_base: Open) -> None:
    chance = random.Random(0)
    folder = tmp_path / "docs"
    reported: dict[str, int] = {}
    for version in range(KILLS):
        write_documents(folder, version)
        for name in run_and_kill(home, folder, chance.uniform(0.05, 2.5)):
            reported[name] = version
        database = Database(home / "zhike.db")
        whole(database)
        database.close()
        base = open_base()
        assert base.status().state == "ready"  # the pointer never names a half-written file
        for name, known in reported.items():
            found = base.search(f"word{name.removesuffix('.md')}x", limit=PARAGRAPHS)
            assert {p.document for p in found} == {name}
            versions = {p.text.split("version ")[1].split(",")[0] for p in found}
            assert len(versions) == 1  # never a mixture of two versions
            assert int(versions.pop()) >= known
    assert reported
