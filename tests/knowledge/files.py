"""Small files of each type, made by the tests that read them."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

import docx
import pptx
import pypdf
from pypdf.generic import DictionaryObject, NameObject, StreamObject

from knowledge.types import Parsed

Write = Callable[[str, bytes | str], Path]


def texts(parsed: Parsed) -> list[str]:
    return [block.text for block in parsed.blocks]


def make_docx(path: Path) -> Path:
    document = docx.Document()
    document.add_heading("保修", 0)
    document.add_heading("期限", 1)
    document.add_paragraph("底座保修两年。")
    document.add_paragraph("清洗", style="List Number")
    document.add_paragraph("晾干", style="List Number")
    run = document.add_paragraph("看得见").add_run("看不见")
    run.font.hidden = True
    table = document.add_table(2, 2)
    for cell, text in zip(table._cells, ["部件", "年", "底座", "2"], strict=True):
        cell.text = text
    document.save(str(path))
    return path


def make_pptx(path: Path) -> Path:
    deck = pptx.Presentation()
    for title, lines, hidden in [
        ("Warranty", ["Base: two years", "Lid: six months"], False),
        ("Internal", ["Margins are 40 %"], True),
        ("Returns", ["Within 30 days"], False),
    ]:
        slide = deck.slides.add_slide(deck.slide_layouts[1])
        slide.shapes.title.text = title
        slide.placeholders[1].text_frame.text = "\n".join(lines)
        if hidden:
            slide._element.set("show", "0")
    table = deck.slides[2].shapes.add_table(2, 2, 0, 0, 100, 100).table
    for i, text in enumerate(["Region", "Days", "EU", "14"]):
        table.cell(i // 2, i % 2).text = text
    deck.slides[2].notes_slide.notes_text_frame.text = "The customer pays the postage."
    deck.save(str(path))
    return path


def make_pdf(path: Path, *pages: list[tuple[int, int, int, str]]) -> Path:
    """Pages of (x, y, size, text in Latin letters)."""
    writer = pypdf.PdfWriter()
    font = DictionaryObject(
        {
            NameObject("/Type"): NameObject("/Font"),
            NameObject("/Subtype"): NameObject("/Type1"),
            NameObject("/BaseFont"): NameObject("/Helvetica"),
        }
    )
    fonts = DictionaryObject({NameObject("/F1"): font})
    for lines in pages:
        page = writer.add_blank_page(595, 842)
        stream = StreamObject()
        stream.set_data(
            "".join(
                f"BT /F1 {s} Tf {x} {y} Td ({text}) Tj ET\n" for x, y, s, text in lines
            ).encode()
        )
        page[NameObject("/Resources")] = DictionaryObject({NameObject("/Font"): fonts})
        page[NameObject("/Contents")] = writer._add_object(stream)
    writer.write(path)
    return path


def rezipped(
    path: Path,
    part: str,
    change: Callable[[bytes], bytes],
    more: Mapping[str, bytes] = MappingProxyType({}),
) -> Path:
    """The package with one part changed and `more` parts; checksums are right."""
    out = io.BytesIO()
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.infolist():
            data = old.read(entry)
            new.writestr(entry.filename, change(data) if entry.filename == part else data)
        for name, data in more.items():
            new.writestr(name, data)
    path.write_bytes(out.getvalue())
    return path
