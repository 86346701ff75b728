"""kill -9 at any moment: what was reported is there and whole, the rest is absent."""

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
from knowledge.integrity import problems
from knowledge.knowledge_base import KnowledgeBase

from .conftest import Open
from .hashing import HashingEmbedder

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

LIFE = """
import sys
from pathlib import Path
from knowledge.database import Database
from knowledge.knowledge_base import KnowledgeBase
from tests.knowledge.hashing import HashingEmbedder
from tests.knowledge.test_kill import write_life
home, path = Path(sys.argv[1]), Path(sys.argv[2])
base = KnowledgeBase(Database(home / "zhike.db"), home / "index", HashingEmbedder())
def add(version):
    write_life(path, version)
    list(base.add([path]))
def done():
    print("done", path.name, flush=True)
base.review("default", on=False)
for document in base.documents():
    base.remove(document.id)
print("open", flush=True)
for cycle in range(1000):
    add(2 * cycle); done()
    base.review("default", on=True); done()
    add(2 * cycle + 1); done()
    base.publish(base.find(path.name).id); done()
    base.rollback(base.find(path.name).id); done()
    base.review("default", on=False); done()
    base.remove(path.name); done()
"""


def write_life(path: Path, version: int) -> None:
    """Half of the paragraphs are the same in all versions."""
    parts = range(PARAGRAPHS)
    said = (f"version {version}" if part % 2 else "always the same" for part in parts)
    path.write_text("# D\n" + "".join(f"\n## Part {i}\n\nIt is {s}.\n" for i, s in enumerate(said)))


def life(events: int) -> tuple[int | None, bool, int]:
    """Current version, whether a draft waits, versions before: after that many events."""
    first = 2 * ((events - 1) // 7)
    return [
        (None, False, 0),
        (first, False, 0),
        (first, False, 0),
        (first, True, 0),
        (first + 1, False, 1),
        (first, False, 2),
        (first, False, 2),
    ][events % 7]


def seen(base: KnowledgeBase) -> tuple[int | None, bool, int]:
    """The same, as it is."""
    for document in base.documents():
        texts = [chunk.text for chunk in base.chunks(document.id)]
        assert len(texts) == PARAGRAPHS
        (version,) = {text.split("version ")[1].strip(".") for text in texts[1::2]}
        found = {p.text for p in base.search("version", limit=PARAGRAPHS) if p.keyword}
        assert found == set(texts[1::2])
        before = [v for v in base.history(document.id) if v.state == "previous"]
        return int(version), document.draft is not None, len(before)
    return None, False, 0


def write_documents(folder: Path, version: int) -> None:
    """Each document has a heading per paragraph, and every paragraph the document's own word."""
    folder.mkdir(exist_ok=True)
    for number in range(DOCUMENTS):
        sections = (
            f"## Part {part}\n\nItem word{number}x of version {version}, part {part}.\n"
            for part in range(PARAGRAPHS)
        )
        (folder / f"{number}.md").write_text(f"# D{number}\n\n" + "\n".join(sections), "utf-8")


def run_and_kill(
    home: Path, folder: Path, seconds: float, program: str = WORKER, reports: int = 0
) -> list[str]:
    """The document of each report of the worker, killed so long after that many of them."""
    worker = subprocess.Popen(
        [sys.executable, "-c", program, str(home), str(folder)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert worker.stdout is not None
    assert worker.stdout.readline() == "open\n"
    lines = [worker.stdout.readline() for _ in range(reports)]
    time.sleep(seconds)
    worker.send_signal(signal.SIGKILL)
    lines += worker.communicate()[0].splitlines()
    return [line.split()[1] for line in lines if len(line.split()) == 2]


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
        seconds, reports = chance.uniform(0.0, 1.0), chance.randint(1, 5)
        for name in run_and_kill(home, folder, seconds, reports=reports):
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


@pytest.mark.slow
def test_kills_while_a_document_is_replaced_published_rolled_back_and_removed(
    home: Path, tmp_path: Path
) -> None:
    chance = random.Random(1)
    path = tmp_path / "life.md"
    kills = max(KILLS // 2, 1)
    for kill in range(kills):
        seconds = chance.choice((0.0, 0.002, 0.005, 0.02, 0.2))  # into the next event, or beyond
        reported = len(run_and_kill(home, path, seconds, LIFE, 1 + kill * 13 // kills))
        database = Database(home / "zhike.db")
        assert list(problems(database, home / "index")) == []
        base = KnowledgeBase(database, home / "index", HashingEmbedder())
        assert seen(base) in (life(reported), life(reported + 1))
        database.close()
