"""The reading process reaches no network, starts no program, and resolves nothing from outside."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import docx
import openpyxl
import pptx
import pytest

from knowledge.confinement import HOOK, NAMESPACE
from knowledge.errors import UnreadableFile
from knowledge.load import LimitedLoader, load

from .files import Write, make_docx, rezipped, texts

ROOT = Path(__file__).resolve().parents[2]
TRIES = """
import ctypes, os, socket, subprocess
from knowledge.confinement import leave_network
print(leave_network())
for attempt in (
    lambda: socket.socket(),
    lambda: socket.create_connection(("127.0.0.1", PORT)),
    lambda: socket.getaddrinfo("localhost", 80),
    lambda: subprocess.run(["true"]),
    lambda: os.system("true"),
    lambda: os.fork(),
):
    try:
        attempt()
        print("possible")
    except PermissionError as error:
        print("refused", error)
# What a library in C could do: no audit hook sees it.
libc = ctypes.CDLL(None, use_errno=True)
address = b"\\x02\\x00" + PORT.to_bytes(2, "big") + bytes([127, 0, 0, 1]) + bytes(8)
print("connect", libc.connect(libc.socket(2, 1, 0), address, 16))
"""


class Canary:
    """A server on this machine that counts who comes."""

    def __init__(self) -> None:
        self.visits = 0
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            self.visits += 1
            connection.close()

    def close(self) -> None:
        self._server.close()


@pytest.fixture
def canary() -> Iterator[Canary]:
    found = Canary()
    yield found
    found.close()


def test_sockets_and_programs_are_refused(canary: Canary) -> None:
    done = subprocess.run(
        [sys.executable, "-c", f"PORT = {canary.port}\n{TRIES}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    force, *tries, connect = done.stdout.splitlines()
    assert len(tries) == 6 and all(line.startswith("refused") for line in tries)
    assert force.endswith(HOOK)
    if NAMESPACE in force:  # else nothing can hold C back, and `zhike doctor` says so
        assert connect == "connect -1"
        assert canary.visits == 0


@pytest.mark.slow
def test_the_child_says_what_is_in_force_and_works_in_an_empty_folder(write: Write) -> None:
    with LimitedLoader(1) as loader:
        assert HOOK in loader.network()
        assert loader._child is not None
        child = Path(f"/proc/{loader._child.pid}")
        assert texts(loader.load(write("a.md", "one"))) == ["one"]
        if child.exists():
            assert os.listdir(os.readlink(child / "cwd")) == []
            assert os.getpriority(os.PRIO_PROCESS, loader._child.pid) >= 10


def _relation(kind: str, target: str) -> bytes:
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    return (
        f'<Relationship Id="rId77" Type="{office}/{kind}" Target="{target}" '
        'TargetMode="External"/></Relationships>'
    ).encode()


@pytest.mark.parametrize("kind", ["image", "attachedTemplate", "aFChunk", "oleObject", "footnotes"])
def test_word_relationships_to_the_outside_are_not_followed(
    tmp_path: Path, canary: Canary, kind: str
) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("canary text")
    for target in (secret.as_uri(), f"http://127.0.0.1:{canary.port}/x", "../../etc/passwd"):
        path = make_docx(tmp_path / "a.docx")
        added = _relation(kind, target)
        rezipped(
            path,
            "word/_rels/document.xml.rels",
            lambda x, added=added: x.replace(b"</Relationships>", added),  # type: ignore[misc]
        )
        drawing = (
            b'<w:p xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships">'
            b'<w:r><w:object><w:control r:id="rId77"/></w:object></w:r></w:p><w:altChunk '
            b'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships" '
            b'r:id="rId77"/></w:body>'
        )
        rezipped(path, "word/document.xml", lambda x, d=drawing: x.replace(b"</w:body>", d))  # type: ignore[misc]
        assert "看得见" in texts(load(path))
        assert "canary" not in " ".join(texts(load(path)))
    assert canary.visits == 0


def test_other_files_fetch_nothing(write: Write, tmp_path: Path, canary: Canary) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("canary text")
    urls = (secret.as_uri(), f"http://127.0.0.1:{canary.port}/x")
    for url in urls:
        body = "".join(
            f'<{tag} src="{url}" href="{url}" data="{url}"></{tag}>'
            for tag in ("img", "iframe", "link", "script", "object", "embed", "base", "frame")
        )
        page = f'<html><head><link rel="import" href="{url}"></head><body>{body}<p>x</p></body>'
        assert texts(load(write("a.html", page))) == ["x"]
        xml = f'<?xml version="1.0"?><?xml-stylesheet href="{url}"?><!DOCTYPE html SYSTEM "{url}">'
        assert texts(load(write("b.html", f"{xml}<html><body><p>x</p></body></html>"))) == ["x"]
        load(write("a.md", f"![x]({url})\n\n<img src='{url}'>\n\nx\n"))
        book = openpyxl.Workbook()
        assert book.active is not None
        book.active["A1"] = f'=WEBSERVICE("{url}")'
        book.active["A2"] = f'=HYPERLINK("{url}", "x")'
        book.active["A3"] = "x"
        book.save(tmp_path / "a.xlsx")
        assert texts(load(tmp_path / "a.xlsx")) == ["x"]
        deck = pptx.Presentation()
        slide = deck.slides.add_slide(deck.slide_layouts[5])
        slide.shapes.title.text = "x"
        box = slide.shapes.add_textbox(0, 0, 9, 9).text_frame
        box.text = "y"
        box.paragraphs[0].runs[0].hyperlink.address = url
        deck.save(str(tmp_path / "a.pptx"))
        assert texts(load(tmp_path / "a.pptx")) == ["y"]
    assert canary.visits == 0


@pytest.mark.parametrize(
    "part",
    ["word/document.xml", "word/styles.xml", "docProps/core.xml", "word/_rels/document.xml.rels"],
)
@pytest.mark.parametrize("coding", ["utf-8", "utf-16"])
def test_a_doctype_in_any_part_is_refused(tmp_path: Path, part: str, coding: str) -> None:
    def spoil(data: bytes) -> bytes:
        start = data.index(b"?>") + 2
        text = data[start:].decode()
        head = f'<?xml version="1.0" encoding="{coding.upper()}"?><!DOCTYPE x [<!ENTITY e "x">]>'
        return (head + text).encode(coding)

    path = rezipped(make_docx(tmp_path / "a.docx"), part, spoil)
    with pytest.raises(UnreadableFile, match="document type"):
        load(path)


@pytest.mark.parametrize("name", ["word/media/hidden.bin", "customXml/item1.vml"])
def test_a_doctype_hidden_in_a_part_of_another_name_is_refused(tmp_path: Path, name: str) -> None:
    more = {name: b'\xef\xbb\xbf  <?xml version="1.0"?>\n<!DOCTYPE x [<!ENTITY e "x">]><x>&e;</x>'}
    path = rezipped(make_docx(tmp_path / "a.docx"), "", bytes, more)
    with pytest.raises(UnreadableFile, match="document type"):
        load(path)
    strange = {"word/x.xml": b'<?xml version="1.0" encoding="UTF-7"?>+ADwAIQ-DOCTYPE x+AD4-<x/>'}
    path = rezipped(make_docx(tmp_path / "b.docx"), "", bytes, strange)
    with pytest.raises(UnreadableFile, match="strange encoding"):
        load(path)


def test_an_ordinary_document_passes(tmp_path: Path) -> None:
    document = docx.Document()
    document.add_paragraph("<!DOCTYPE html> is how a page begins.")
    document.save(str(tmp_path / "a.docx"))
    assert texts(load(tmp_path / "a.docx")) == ["<!DOCTYPE html> is how a page begins."]
