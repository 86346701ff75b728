"""Zip archives: every file inside becomes a document, or says why not."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest

from knowledge import archive
from knowledge.knowledge_base import KnowledgeBase


def _zip(path: Path, files: dict[str, bytes | str]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in files.items():
            packed.writestr(name, content)
    return path


def test_every_file_is_added_under_the_archive_s_name(base: KnowledgeBase, tmp_path: Path) -> None:
    path = _zip(
        tmp_path / "help.zip",
        {
            "returns.md": "# Returns\n\nUnused goods can be returned within 30 days.\n",
            "配送/运费.txt": "普通快递运费 10 元。",
            "__MACOSX/._returns.md": "litter",
            ".hidden/secret.md": "# Secret",
            "photo.gif": b"GIF89a",
            "inner.zip": b"PK\x03\x04",
            "broken.pdf": b"no PDF",
        },
    )
    found = {i.document: i for i in base.add([path])}
    assert {name: i.status for name, i in found.items()} == {
        "help/returns.md": "added",
        "help/配送/运费.txt": "added",
        "help/photo.gif": "failed",
        "help/inner.zip": "failed",
        "help/broken.pdf": "failed",
    }
    assert "archive in an archive" in (found["help/inner.zip"].error or "")
    assert "cannot be read" in (found["help/photo.gif"].error or "")
    assert base.search("return unused goods")[0].document == "help/returns.md"
    assert {d.title for d in base.documents()} == {"Returns", "运费"}
    again = {i.document: i.status for i in base.add([path])}
    assert again["help/returns.md"] == again["help/配送/运费.txt"] == "unchanged"


def test_names_of_a_chinese_windows_are_read(tmp_path: Path) -> None:
    info = zipfile.ZipInfo("退货.md".encode("gb18030").decode("cp437"))
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as packed:
        packed.writestr(info, "# 退货")
    data = (tmp_path / "a.zip").read_bytes()
    utf8, raw = info.filename.encode(), "退货.md".encode("gb18030")
    (tmp_path / "b.zip").write_bytes(_renamed(data, utf8, raw))
    assert [name for name, _, _ in archive.unpacked(tmp_path / "b.zip", tmp_path, 100)] == [
        "退货.md"
    ]


def _renamed(data: bytes, utf8: bytes, raw: bytes) -> bytes:
    """The archive with a name as Windows stores it: not UTF-8, and no flag that says so."""
    out = bytearray(data.replace(utf8, raw))
    for mark, flags, length in ((b"PK\x03\x04", 6, 26), (b"PK\x01\x02", 8, 28)):
        at = out.index(mark)
        out[at + flags : at + flags + 2] = b"\0\0"
        out[at + length : at + length + 2] = len(raw).to_bytes(2, "little")
    shift = len(utf8) - len(raw)
    end = out.index(b"PK\x05\x06")
    for field, change in ((12, shift), (16, shift)):
        value = int.from_bytes(out[end + field : end + field + 4], "little") - change
        out[end + field : end + field + 4] = value.to_bytes(4, "little")
    return bytes(out)


@pytest.mark.parametrize(
    "name", ["../../etc/passwd.md", "/root/x.md", "..\\..\\x.md", "a/../../b.md"]
)
def test_no_name_leads_out_of_the_folder(tmp_path: Path, name: str) -> None:
    path = _zip(tmp_path / "evil.zip", {name: "# X"})
    folder = tmp_path / "into"
    folder.mkdir()
    ((found, copy, problem),) = archive.unpacked(path, folder, 100)
    assert ".." not in found and not found.startswith("/") and problem == ""
    assert copy.resolve().is_relative_to(folder.resolve())
    assert sorted(p.name for p in tmp_path.iterdir()) == ["evil.zip", "into"]


def test_bombs_damaged_and_encrypted_archives_say_so(base: KnowledgeBase, tmp_path: Path) -> None:
    bomb = _zip(tmp_path / "bomb.zip", {"a.txt": b"\0" * (30 << 20)})
    many = _zip(tmp_path / "many.zip", {f"{i}.txt": "x" for i in range(archive.MOST_FILES + 1)})
    empty = _zip(tmp_path / "empty.zip", {})
    damaged = tmp_path / "damaged.zip"
    damaged.write_bytes(bomb.read_bytes()[:-30])
    locked = _zip(tmp_path / "locked.zip", {"a.txt": "x"})
    data = bytearray(locked.read_bytes())
    data[data.index(b"PK\x01\x02") + 8] |= 1
    locked.write_bytes(data)
    for path, said in [
        (bomb, "more than is safe"),
        (many, "more than is safe"),
        (empty, "holds no files"),
        (damaged, "damaged"),
        (locked, "encrypted"),
    ]:
        (only,) = base.add([path])
        assert (only.status, only.document) == ("failed", path.name)
        assert said in (only.error or ""), only.error


def test_a_file_that_is_too_large_is_refused_alone(base: KnowledgeBase, tmp_path: Path) -> None:
    noise = np.random.default_rng(0).bytes(26 << 20)
    path = _zip(tmp_path / "big.zip", {"big.txt": noise, "small.txt": "Parking is free."})
    found = {i.document: i for i in base.add([path])}
    assert found["big/small.txt"].status == "added"
    assert "larger than 25 MB" in (found["big/big.txt"].error or "")
