"""A home as one file and back: whole, or refused with nothing left behind."""

from __future__ import annotations

import json
import stat
import threading
import zipfile
from pathlib import Path

import pytest

from chatbot.errors import ChatbotError
from knowledge.database import Database
from ui.backup import CARD, DATABASE, back_up, restore


@pytest.fixture
def full(tmp_path: Path) -> Path:
    """A home with a database, settings, a run, and things that are no part of a backup."""
    home = tmp_path / "home"
    database = Database(home / DATABASE)
    with database.write() as db:
        db.execute("CREATE TABLE notes (number INTEGER PRIMARY KEY, text TEXT)")
        db.execute("INSERT INTO notes VALUES (1, '退货 returns')")
    database.close()
    (home / "settings.toml").write_text("[server]\nport = 8123\n", "utf-8")
    for name in ("runs/a/adapter", "intents", "index", "cache", "transcripts-x"):
        (home / name).mkdir(parents=True)
        (home / name / "file.bin").write_bytes(name.encode() * 1000)
    return home


def notes(home: Path) -> list[dict[str, object]]:
    database = Database(home / DATABASE)
    try:
        return database.rows("SELECT * FROM notes ORDER BY number")
    finally:
        database.close()


def test_what_was_backed_up_comes_back(full: Path, tmp_path: Path) -> None:
    card = back_up(full, tmp_path / "b.zip")
    assert restore(tmp_path / "b.zip", tmp_path / "new") == card
    assert notes(tmp_path / "new") == [{"number": 1, "text": "退货 returns"}]
    assert (tmp_path / "new/settings.toml").read_text("utf-8") == "[server]\nport = 8123\n"
    assert (tmp_path / "new/runs/a/adapter/file.bin").read_bytes() == b"runs/a/adapter" * 1000
    found = {p.name for p in (tmp_path / "new").iterdir()} - {"zhike.db-wal", "zhike.db-shm"}
    assert found == {DATABASE, "settings.toml", "runs", "intents"}


def test_only_its_owner_can_read_it(full: Path, tmp_path: Path) -> None:
    back_up(full, tmp_path / "b.zip")
    assert stat.S_IMODE((tmp_path / "b.zip").stat().st_mode) == 0o600
    restore(tmp_path / "b.zip", tmp_path / "new")
    assert stat.S_IMODE((tmp_path / "new" / DATABASE).stat().st_mode) == 0o600


def test_while_others_write_it_holds_a_whole_state(full: Path, tmp_path: Path) -> None:
    """Every transaction writes a pair; a copy with half of one would show an odd count."""
    stop = threading.Event()

    def write() -> None:
        database = Database(full / DATABASE)
        while not stop.is_set():
            with database.write() as db:
                db.execute("INSERT INTO notes (text) VALUES (?)", ["a" * 500])
                db.execute("INSERT INTO notes (text) VALUES (?)", ["b" * 500])
        database.close()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for i in range(5):
            back_up(full, tmp_path / f"{i}.zip")
    finally:
        stop.set()
        writer.join()
    for i in range(5):
        restore(tmp_path / f"{i}.zip", tmp_path / f"home{i}")
        assert len(notes(tmp_path / f"home{i}")) % 2 == 1


def test_nothing_is_written_over(full: Path, tmp_path: Path) -> None:
    back_up(full, tmp_path / "b.zip")
    before = (tmp_path / "b.zip").read_bytes()
    with pytest.raises(ChatbotError, match="exists already"):
        back_up(full, tmp_path / "b.zip")
    with pytest.raises(ChatbotError, match="is not empty"):
        restore(tmp_path / "b.zip", full)
    assert (tmp_path / "b.zip").read_bytes() == before
    assert notes(full)


def test_an_empty_folder_is_taken(full: Path, tmp_path: Path) -> None:
    back_up(full, tmp_path / "b.zip")
    (tmp_path / "new").mkdir()
    restore(tmp_path / "b.zip", tmp_path / "new")
    assert notes(tmp_path / "new")


def test_no_home_no_backup(tmp_path: Path) -> None:
    with pytest.raises(ChatbotError, match="nothing to back up"):
        back_up(tmp_path / "none", tmp_path / "b.zip")
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_archive_is_refused_whole(full: Path, tmp_path: Path) -> None:
    """Bits flipped all over: every one is refused, or met a byte that carries nothing."""
    back_up(full, tmp_path / "b.zip")
    data = (tmp_path / "b.zip").read_bytes()
    want = notes(full)
    refused = 0
    for i in range(40):
        at = len(data) * (2 * i + 1) // 80
        damaged = bytearray(data)
        damaged[at] ^= 0x55
        (tmp_path / "d.zip").write_bytes(damaged)
        home = tmp_path / f"home{i}"
        try:
            restore(tmp_path / "d.zip", home)
        except ChatbotError:
            refused += 1
            assert not home.exists()
        else:
            assert notes(home) == want
    assert refused >= 30
    assert not list(tmp_path.glob(".*restoring*"))


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.99])
def test_a_cut_archive_is_refused(full: Path, tmp_path: Path, share: float) -> None:
    back_up(full, tmp_path / "b.zip")
    data = (tmp_path / "b.zip").read_bytes()
    (tmp_path / "cut.zip").write_bytes(data[: int(len(data) * share)])
    with pytest.raises(ChatbotError, match="not a backup"):
        restore(tmp_path / "cut.zip", tmp_path / "new")
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    "path", ["../out", "/etc/out", "runs/../../out", "other.txt", "runs\\..\\out", "index/x", ""]
)
def test_paths_that_do_not_belong_are_refused(full: Path, tmp_path: Path, path: str) -> None:
    back_up(full, tmp_path / "b.zip")
    with zipfile.ZipFile(tmp_path / "b.zip") as source:
        card = json.loads(source.read(CARD))
        database = source.read(DATABASE)
    card["entries"].append({"path": path, "size": 1, "sha256": "0" * 64})
    with zipfile.ZipFile(tmp_path / "evil.zip", "w") as target:
        target.writestr(DATABASE, database)
        target.writestr(path or "x", "x")
        target.writestr(CARD, json.dumps(card))
    with pytest.raises(ChatbotError, match=r"does not belong|damaged"):
        restore(tmp_path / "evil.zip", tmp_path / "new")
    assert not (tmp_path / "new").exists()
    assert not (tmp_path.parent / "out").exists()


def test_a_file_larger_than_it_says_is_refused(full: Path, tmp_path: Path) -> None:
    """A card that names 10 bytes does not let 50 MB of zeros in."""
    back_up(full, tmp_path / "b.zip")
    with zipfile.ZipFile(tmp_path / "b.zip") as source:
        card, database = json.loads(source.read(CARD)), source.read(DATABASE)
    card["entries"].append({"path": "runs/bomb", "size": 10, "sha256": "0" * 64})
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as target:
        target.writestr(DATABASE, database)
        target.writestr("runs/bomb", bytes(50 << 20))
        target.writestr(CARD, json.dumps(card))
    with pytest.raises(ChatbotError, match="damaged"):
        restore(tmp_path / "bomb.zip", tmp_path / "new")


def test_a_newer_format_names_the_version(full: Path, tmp_path: Path) -> None:
    back_up(full, tmp_path / "b.zip")
    with zipfile.ZipFile(tmp_path / "b.zip") as source:
        card = json.loads(source.read(CARD)) | {"format": 2, "zhike": "9.0"}
    with zipfile.ZipFile(tmp_path / "newer.zip", "w") as target:
        target.writestr(CARD, json.dumps(card))
    with pytest.raises(ChatbotError, match=r"newer Zhike \(9.0\)"):
        restore(tmp_path / "newer.zip", tmp_path / "new")


def test_a_text_file_is_no_backup(tmp_path: Path) -> None:
    (tmp_path / "b.zip").write_text("hello")
    with pytest.raises(ChatbotError, match="is not a backup that Zhike made"):
        restore(tmp_path / "b.zip", tmp_path / "new")
