"""The index file is a cache: damaged, missing or stale, the answers stay the same."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from knowledge.database import Database
from knowledge.embedder import PackagedE5
from knowledge.index_file import write_file
from knowledge.knowledge_base import KnowledgeBase
from knowledge.settings import KnowledgeSettings
from knowledge.split import embedded_text
from knowledge.types import Chunk, Vectors

from .conftest import Open

MUTANTS = 30
QUERIES = ("opened tea", "运费多少")
ROOT = Path(__file__).resolve().parents[2]


def answers(base: KnowledgeBase) -> list[list[int]]:
    return [[p.id for p in base.search(query)] for query in QUERIES]


def index_file(base: KnowledgeBase, home: Path) -> Path:
    return home / "index" / base.status().file


def mutated(data: bytes, seed: int) -> bytes:
    """Cut short, or with some bytes changed in the header or anywhere."""
    chance = random.Random(seed)
    if seed % 3 == 0:
        return data[: chance.randrange(len(data))]
    changed = bytearray(data)
    for _ in range(chance.randint(1, 8)):
        changed[chance.randrange(64 if seed % 3 == 1 else len(data))] ^= chance.randint(1, 255)
    return bytes(changed)


def test_a_start_loads_the_file(open_base: Open, folder: Path, home: Path) -> None:
    base = open_base()
    list(base.add([folder]))
    expected, file = answers(base), base.status().file
    again = open_base()
    assert (again.status().state, again.status().file) == ("ready", file)
    assert answers(again) == expected
    assert [path.name for path in (home / "index").iterdir()] == [file]


def test_damaged_files_are_rebuilt(open_base: Open, folder: Path, home: Path) -> None:
    base = open_base()
    list(base.add([folder]))
    expected = answers(base)
    for seed in range(MUTANTS):
        path = index_file(base, home)
        path.write_bytes(mutated(path.read_bytes(), seed))
        base = open_base()
        assert base.status().state.startswith("rebuilt at start: index-"), seed
        assert answers(base) == expected, seed
    assert open_base().status().state == "ready"


def test_a_missing_file_is_rebuilt(open_base: Open, folder: Path, home: Path) -> None:
    base = open_base()
    list(base.add([folder]))
    expected = answers(base)
    index_file(base, home).unlink()
    base = open_base()
    assert "cannot be read" in base.status().state
    assert answers(base) == expected


def test_a_few_files_are_searched_beside_the_index_file(open_base: Open, folder: Path) -> None:
    base = open_base()
    list(base.add([folder]))
    file = base.status().file
    (folder / "new.txt").write_text("Gift wrapping costs 3 dollars.", encoding="utf-8")
    list(base.add([folder / "new.txt"]))
    base.remove("returns.md")
    assert base.status().file == file
    for each in (base, open_base()):
        assert each.search("gift wrapping price")[0].document == "new.txt"
        assert "returns.md" not in {p.document for p in each.search("opened tea")}
    base.close()
    assert base.status().file != file


class OtherE5(PackagedE5):
    """The same model with the sign of one dimension turned: another embedder."""

    def __init__(self) -> None:
        super().__init__()
        self.name = "turned"

    def _embed(self, texts: list[str], is_query: bool) -> Vectors:  # type: ignore[override]
        rows = super()._embed(texts, is_query)
        rows[:, 0] *= -1
        return rows


def test_another_embedder_means_other_vectors(
    open_base: Open, folder: Path, home: Path, embedder: PackagedE5
) -> None:
    base = open_base()
    (folder / "faq.csv").write_text("q,a\nIs it free?,Yes it is.\n", encoding="utf-8")
    list(base.add([folder]))
    expected = answers(base)
    database = Database(home / "zhike.db")
    other = KnowledgeBase(database, home / "index", OtherE5())
    assert other.status().state.startswith("rebuilt at start")
    assert other.status().embedder == "turned"
    assert answers(other) == expected
    ids = [p.id for p in other.search("opened tea")]
    assert np.allclose(
        other.vectors(ids)[:, 0], -embedder_rows(other, embedder, ids)[:, 0], atol=1e-5
    )
    assert other.match_faq("is it free") is not None
    database.close()
    assert open_base().status().state.startswith("rebuilt at start")


def embedder_rows(base: KnowledgeBase, embedder: PackagedE5, ids: list[int]) -> Vectors:
    found = [base.passage(id_) for id_ in ids]
    texts = [
        embedded_text(p.title, Chunk(p.text, p.heading, p.kind)) for p in found if p is not None
    ]
    return embedder.passages(texts)


def test_the_exact_index_needs_no_file(home: Path, folder: Path, embedder: PackagedE5) -> None:
    settings = KnowledgeSettings(index="exact")
    database = Database(home / "zhike.db")
    base = KnowledgeBase(database, home / "index", embedder, settings)
    list(base.add([folder]))
    expected = answers(base)
    assert list((home / "index").iterdir()) == []
    assert answers(KnowledgeBase(database, home / "index", embedder, settings)) == expected
    database.close()


def test_write_file_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        write_file(tmp_path / "missing" / "x", b"data")
    write_file(tmp_path / "x", b"data")
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


OTHER = """
import sys
from pathlib import Path
from knowledge.database import Database
from knowledge.embedder import PackagedE5
from knowledge.knowledge_base import KnowledgeBase
home, path, name = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
base = KnowledgeBase(Database(home / "zhike.db"), home / "index", PackagedE5())
list(base.add([Path(path)]))
base.remove(name)
base.close()
"""


@pytest.mark.slow
def test_another_process_adds_and_removes(open_base: Open, folder: Path, home: Path) -> None:
    base = open_base()
    list(base.add([folder]))
    assert base.search("opened tea")[0].document == "returns.md"
    new = folder / "gift.txt"
    new.write_text("Gift wrapping costs 3 dollars.", encoding="utf-8")
    subprocess.run(
        [sys.executable, "-c", OTHER, str(home), str(new), "returns.md"], check=True, cwd=ROOT
    )
    assert "returns.md" not in {p.document for p in base.search("opened tea")}
    assert base.search("gift wrapping")[0].document == "gift.txt"
    list(base.add([folder / "returns.md"]))
    assert base.search("opened tea")[0].document == "returns.md"
