"""Files made to exhaust whoever reads them: each is refused with a sentence, or read in bounds."""

from __future__ import annotations

import os
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import openpyxl
import pptx
import pytest

from knowledge import archive
from knowledge.errors import KnowledgeError
from knowledge.knowledge_base import KnowledgeBase
from knowledge.load import MOST_CHARACTERS, LimitedLoader

from .files import Write, make_docx, make_pdf, rezipped, texts

pytestmark = pytest.mark.slow
CAMPAIGN = "ZHIKE_MUTATIONS" in os.environ
SECONDS = 20 if CAMPAIGN else 3  # of CPU per file
SIZE = 64 if CAMPAIGN else 8
SLOW = ("html of paragraphs", "html of attributes", "markdown of open brackets")  # campaign only
Make = Callable[[Path], Path]
BODY = b"<w:body>"


@pytest.fixture(scope="module")
def loader() -> Iterator[LimitedLoader]:
    with LimitedLoader(25, cpu_seconds=SECONDS) as one:
        yield one


def _word(name: str, body: bytes) -> Make:
    def make(folder: Path) -> Path:
        path = make_docx(folder / f"{name}.docx")
        return rezipped(path, "word/document.xml", lambda x: x.replace(BODY, BODY + body))

    return make


def _entity(name: str, declaration: bytes) -> Make:
    def make(folder: Path) -> Path:
        def spoil(data: bytes) -> bytes:
            start = data.index(b"?>") + 2
            bomb = data[:start] + b"<!DOCTYPE x [" + declaration + b"]>" + data[start:]
            return bomb.replace(b"<w:t>", b"<w:t>&e;", 1)

        return rezipped(make_docx(folder / f"{name}.docx"), "word/document.xml", spoil)

    return make


LAUGHS = b'<!ENTITY a "ha">' + b"".join(
    b'<!ENTITY %c "%s">' % (98 + i, b"&%c;" % (97 + i) * 10) for i in range(9)
)
ROW = b"<w:tr><w:tc><w:tcPr><w:vMerge/></w:tcPr><w:p/></w:tc></w:tr>"
TABLE = b"<w:tbl><w:tblPr/><w:tr><w:tc>"
TABLE_END = b"<w:p/></w:tc></w:tr></w:tbl><w:p/>"


def _sheet(name: str, change: Callable[[bytes], bytes]) -> Make:
    def make(folder: Path) -> Path:
        book = openpyxl.Workbook()
        assert book.active is not None
        book.active.append(["Item", "Price"])
        book.active.append(["Pot", 59])
        book.save(folder / f"{name}.xlsx")
        return rezipped(folder / f"{name}.xlsx", "xl/worksheets/sheet1.xml", change)

    return make


def _merges(data: bytes) -> bytes:
    every = b'<mergeCell ref="A1:XFD1048576"/>' + b"".join(
        b'<mergeCell ref="A%d:XFD%d"/>' % (i, i + 500) for i in range(1, 5_000)
    )
    return data.replace(b"</sheetData>", b"</sheetData><mergeCells>" + every + b"</mergeCells>")


def _last_row(data: bytes) -> bytes:
    row = b'<row r="1048576"><c r="XFD1048576" t="inlineStr"><is><t>x</t></is></c></row>'
    return data.replace(b"</sheetData>", row + b"</sheetData>")


def _groups(folder: Path) -> Path:
    deck = pptx.Presentation()
    deck.slides.add_slide(deck.slide_layouts[5]).shapes.title.text = "x"
    deck.save(str(folder / "groups.pptx"))
    deep = b"<p:grpSp>" * 5_000 + b"</p:grpSp>" * 5_000
    return rezipped(
        folder / "groups.pptx",
        "ppt/slides/slide1.xml",
        lambda x: x.replace(b"</p:spTree>", deep + b"</p:spTree>"),
    )


def _pdf(name: str, change: Callable[[bytes], bytes]) -> Make:
    def make(folder: Path) -> Path:
        path = make_pdf(folder / f"{name}.pdf", [(50, 700, 12, "Tea")])
        path.write_bytes(change(path.read_bytes()))
        return path

    return make


def _flate(folder: Path) -> Path:
    """A page whose packed stream unpacks to SIZE times 16 MB."""
    packer = zlib.compressobj(9)
    packed = b"".join(packer.compress(bytes(1 << 24)) for _ in range(SIZE)) + packer.flush()
    stream = b"<< /Length %d /Filter /FlateDecode >>\nstream\n" % len(packed)
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Contents 4 0 R >>",
        stream + packed + b"\nendstream",
    ]
    data = b"%PDF-1.7\n"
    places = []
    for number, content in enumerate(objects, 1):
        places.append(len(data))
        data += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"xref\n0 5\n0000000000 65535 f \n" + b"".join(b"%010d 00000 n \n" % p for p in places)
    end = b"trailer << /Size 5 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF" % len(data)
    path = folder / "flate.pdf"
    path.write_bytes(data + table + end)
    return path


def _text(name: str, content: Callable[[], bytes]) -> Make:
    def make(folder: Path) -> Path:
        (folder / name).write_bytes(content())
        return folder / name

    return make


def _attributes() -> bytes:
    return b"<p " + b" ".join(b'a%d="%d"' % (i, i) for i in range(300_000)) + b">x</p>"


def _spans() -> bytes:
    row = b"<tr>" + b'<td colspan="65534" rowspan="65534">x</td>' * 150 + b"</tr>"
    return b"<table>" + row * 150 + b"</table>"


REFUSED, EITHER = True, False  # EITHER: refused or read, within the limits
BOMBS: dict[str, tuple[bool, Make]] = {
    "docx whose text is packed 1000 to 1": (REFUSED, _word("ratio", b" " * (19 << 20))),
    "docx of a billion laughs": (REFUSED, _entity("lol", LAUGHS + b'<!ENTITY e "&j;">')),
    "docx with an entity from a file": (
        REFUSED,
        _entity("xxe", b'<!ENTITY e SYSTEM "file:///etc/passwd">'),
    ),
    "docx with a quadratic entity": (
        REFUSED,
        _entity("quadratic", b'<!ENTITY e "' + b"a" * 500_000 + b'">'),
    ),
    "docx of tables in tables": (EITHER, _word("tables", TABLE * 2_000 + TABLE_END * 2_000)),
    "docx with 8,000 rows merged downwards": (
        EITHER,
        _word("rows", b"<w:tbl><w:tblPr/>" + ROW * 8_000 + b"</w:tbl>"),
    ),
    "docx with a cell across a billion columns": (
        EITHER,
        _word(
            "span",
            b"<w:tbl><w:tblPr/>"
            + ROW.replace(b"<w:vMerge/>", b'<w:gridSpan w:val="999999999"/>') * 200
            + b"</w:tbl>",
        ),
    ),
    "xlsx whose last cell is the last there can be": (EITHER, _sheet("last", _last_row)),
    "xlsx with all cells merged, many times": (EITHER, _sheet("merged", _merges)),
    "pptx of groups in groups": (REFUSED, _groups),
    "pdf whose page is nearly nothing, packed": (REFUSED, _flate),
    "pdf whose page tree contains itself": (
        EITHER,
        _pdf("loop", lambda x: x.replace(b"/Kids [ 4 0 R ]", b"/Kids [ 1 0 R ]")),
    ),
    "pdf that claims a billion pages": (
        EITHER,
        _pdf("count", lambda x: x.replace(b"/Count 1", b"/Count 999999999")),
    ),
    "html of nested elements": (REFUSED, _text("deep.html", lambda: b"<div>" * 500_000 + b"x")),
    "html of attributes": (EITHER, _text("attributes.html", _attributes)),
    "html of paragraphs": (EITHER, _text("many.html", lambda: b"<p>" * 5_000_000 + b"x")),
    "html with cells that span everything": (EITHER, _text("spans.html", _spans)),
    "csv with a million columns": (
        EITHER,
        _text("wide.csv", lambda: b",".join(b"%d" % i for i in range(1_000_000)) + b"\n1,2\n"),
    ),
    "csv with a quote that never ends": (
        REFUSED,
        _text("quote.csv", lambda: b'a,b\n"' + b"x" * (2 << 20)),
    ),
    "json of nested lists": (REFUSED, _text("deep.json", lambda: b"[" * 5_000_000)),
    "markdown of nested quotes": (EITHER, _text("deep.md", lambda: b">" * 200_000 + b"x")),
    "markdown of open brackets": (EITHER, _text("open.md", lambda: b"[a](" * 50_000)),
    "text of one endless line": (REFUSED, _text("line.txt", lambda: "你说".encode() * 3_000_000)),
    "text that almost looks like instructions": (
        EITHER,
        _text("almost.txt", lambda: b"ignore the your you must always " * 10_000),
    ),
}


@pytest.mark.parametrize("name", [name for name in BOMBS if CAMPAIGN or name not in SLOW])
def test_a_bomb_is_refused_or_read_within_limits(
    loader: LimitedLoader, tmp_path: Path, write: Write, name: str
) -> None:
    must_refuse, make = BOMBS[name]
    path = make(tmp_path)
    try:
        parsed = loader.load(path)
    except KnowledgeError as error:
        assert str(error).startswith(path.name) and str(error).endswith(".")
        assert len(str(error)) < 500
    else:
        assert not must_refuse
        assert 0 < parsed.characters <= MOST_CHARACTERS
    assert texts(loader.load(write("next.md", "next"))) == ["next"]


def _nested(folder: Path) -> Path:
    inner = folder / "inner.zip"
    with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("zeros.txt", bytes(1 << 20))
    with zipfile.ZipFile(folder / "nested.zip", "w") as packed:
        for number in range(20):
            packed.write(inner, f"{number}.zip")
    return folder / "nested.zip"


def _overlapping(folder: Path) -> Path:
    """Many names for the same bytes (Fifield 2019): small on disk, large when unpacked."""
    path = folder / "overlap.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("a.txt", os.urandom(700_000))
    data = path.read_bytes()
    start, end = data.index(b"PK\x01\x02"), data.index(b"PK\x05\x06")
    entries = data[start:end] * 1_000
    tail = bytearray(data[end:])
    struct.pack_into("<HHII", tail, 8, 1_000, 1_000, len(entries), start)
    path.write_bytes(data[:start] + entries + tail)
    return path


def _lying(folder: Path) -> Path:
    """Says that it unpacks to 10 bytes; it unpacks to 30 MB."""
    path = folder / "lying.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("a.txt", b"x" * (30 << 20))
    data = bytearray(path.read_bytes())
    struct.pack_into("<I", data, data.index(b"PK\x01\x02") + 24, 10)
    struct.pack_into("<I", data, 22, 10)
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("make", [_nested, _overlapping, _lying])
def test_an_archive_bomb_adds_nothing(base: KnowledgeBase, tmp_path: Path, make: Make) -> None:
    done = list(base.add([make(tmp_path)]))
    assert done and {one.status for one in done} == {"failed"}
    assert all(one.error and one.error.endswith(".") for one in done)
    assert base.documents() == []


def test_archives_and_office_files_share_their_limits() -> None:
    small = zipfile.ZipInfo("a")
    assert not archive.oversized([small] * archive.MOST_FILES)
    assert archive.oversized([small] * (archive.MOST_FILES + 1))
