"""A full disk: what is found stays found, a write is done whole or refused in a sentence."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from knowledge import library
from knowledge.database import Database
from knowledge.errors import DatabaseError, DiskFull, KnowledgeError
from knowledge.integrity import problems
from knowledge.knowledge_base import KnowledgeBase
from tests.full_disk import MOST, fill, levels, small_disk

from .hashing import HashingEmbedder

DISK = 24  # MB: for the home, its log and an index file
PARAGRAPHS = 30


def write(folder: Path, name: str, word: str) -> Path:
    """A document whose every passage has the word."""
    path = folder / name
    parts = (f"## Part {i}\n\nThe {word} of part {i} is blue.\n" for i in range(PARAGRAPHS))
    path.write_text(f"# {name}\n\n" + "\n".join(parts), "utf-8")
    return path


def opened(home: Path) -> tuple[KnowledgeBase, Database]:
    database = Database(home / "zhike.db")
    return KnowledgeBase(database, home / "index", HashingEmbedder()), database


def words(base: KnowledgeBase, word: str) -> int:
    """How many passages with that word are found by it."""
    return sum(word in p.text for p in base.search(word, limit=2 * PARAGRAPHS))


def attempt(act: Callable[[], object]) -> bool:
    """Whether it was done; if not, it was refused in one sentence that names the disk."""
    try:
        act()
    except KnowledgeError as error:
        assert isinstance(error, DiskFull)
        clear(str(error))
        return False
    return True


def clear(message: str) -> None:
    assert "disk" in message and "full" in message and "\n" not in message, message
    assert "Error" not in message and "Traceback" not in message, message


def whole(base: KnowledgeBase, database: Database, home: Path) -> None:
    """Nothing is half there."""
    assert list(problems(database, home / "index")) == []
    for document in base.documents():
        assert len(base.chunks(document.id)) == PARAGRAPHS


@pytest.fixture
def template(tmp_path: Path) -> Path:
    """A home with two published documents and one that has a draft."""
    home = tmp_path / "template"
    home.mkdir()
    base, database = opened(home)
    for name, word in (("old.md", "anchor"), ("gone.md", "barrel"), ("two.md", "candle")):
        list(base.add([write(tmp_path, name, word)]))
    list(base.add([write(tmp_path, "two.md", "dragon")], draft=True))
    base.close()
    database.close()
    return home


@pytest.mark.slow
@pytest.mark.parametrize("left", levels())
def test_reads_go_on_and_writes_are_whole_or_refused(
    left: int, template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(library, "LEAST_FREE", 0)  # else nothing is tried on so small a disk
    new, changed = write(tmp_path, "new.md", "ember"), write(tmp_path, "two.md", "falcon")
    with small_disk(tmp_path / "disk", DISK) as disk:
        home = disk / "home"
        shutil.copytree(template, home)
        base, database = opened(home)
        filler = fill(disk, left)

        (added,) = base.add([new])
        if added.status == "failed":
            clear(added.error or "")
        assert added.status == {0: "failed", MOST: "added"}.get(left, added.status)
        assert words(base, "ember") == (PARAGRAPHS if added.status == "added" else 0)
        whole(base, database, home)

        published = attempt(lambda: base.publish(base.find("two.md").id))
        assert words(base, "dragon") == (PARAGRAPHS if published else 0)
        assert words(base, "candle") == (0 if published else PARAGRAPHS)
        whole(base, database, home)

        removed = attempt(lambda: base.remove("gone.md"))
        assert words(base, "barrel") == (0 if removed else PARAGRAPHS)
        attempt(lambda: base.review("default", on=True))
        attempt(base.rebuild)
        assert words(base, "anchor") == PARAGRAPHS
        whole(base, database, home)

        filler.unlink()
        base.review("default", on=False)
        assert [one.status for one in base.add([new, changed])] == [
            "unchanged" if added.status == "added" else "added",
            "added",
        ]
        if not removed:
            base.remove("gone.md")
        assert [words(base, word) for word in ("anchor", "barrel", "ember", "falcon")] == [
            PARAGRAPHS, 0, PARAGRAPHS, PARAGRAPHS,
        ]  # fmt: skip
        whole(base, database, home)
        base.close()
        database.close()


@pytest.mark.slow
def test_a_home_on_a_full_disk_opens_or_says_why_not(template: Path, tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", DISK) as disk:
        home = disk / "home"
        shutil.copytree(template, home)
        for left in levels():
            filler = fill(disk, left)
            try:
                base, database = opened(home)
            except DatabaseError as error:
                clear(str(error))
            else:
                assert words(base, "anchor") == PARAGRAPHS
                base.close()
                database.close()
            filler.unlink()
        base, database = opened(home)
        assert base.status().state == "ready"
        whole(base, database, home)
        database.close()
