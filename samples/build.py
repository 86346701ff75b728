"""Render the binary sample documents from their plain-text sources.

Run from anywhere, with the project's environment::

    .venv/bin/python samples/build.py            # every language
    .venv/bin/python samples/build.py zh         # one language

``samples/sources/<lang>/`` holds the sources, ``samples/knowledge/<lang>/`` gets the results:

* ``NAME.docx.md``   -> ``NAME.docx``, through python-docx (heading styles, lists, tables;
  Word counts on through all numbered lists of a document, so give it one at most);
* ``NAME.pdf.md``    -> ``NAME.pdf``, printed by headless Chromium (Debian packages ``chromium``
  and ``fonts-wqy-zenhei``: out of a Noto PDF, 一 is read back as the radical U+2F00);
* ``NAME.xlsx.csv``  -> ``NAME.xlsx``, through openpyxl (first row is the header).

Dates inside the files are fixed, so that an unchanged source gives an unchanged result.
"""

from __future__ import annotations

import argparse
import csv
import datetime as dt
import html
import io
import itertools
import os
import re
import shutil
import subprocess
import tempfile
import zipfile
from pathlib import Path

import docx
from docx.document import Document
from docx.oxml.ns import qn
from docx.text.paragraph import Paragraph
from markdown_it import MarkdownIt
from markdown_it.token import Token
from openpyxl import Workbook
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter

ROOT = Path(__file__).resolve().parent
FIXED = dt.datetime(2026, 3, 1, 9, 0, 0)
AUTHORS = {"zh": "山岚茶器客户服务部", "en": "Shanlan Tea & Ware Customer Care"}
CJK_FONT = "Noto Sans CJK SC"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MARKDOWN = MarkdownIt("commonmark").enable("table")

PAGE = """<!doctype html>
<html lang="{lang}"><head><meta charset="utf-8"><title>{title}</title><style>
@page {{ size: A4; margin: 20mm 18mm; }}
body {{ font: 11pt/1.65 "WenQuanYi Zen Hei", "Noto Sans CJK SC", sans-serif; color: #222; }}
h1 {{ font-size: 21pt; border-bottom: 2px solid #4a7c68; padding-bottom: 3mm; }}
h2 {{ font-size: 15pt; color: #2f5d4c; margin-top: 8mm; break-after: avoid; }}
h3 {{ font-size: 12pt; break-after: avoid; }}
table {{ border-collapse: collapse; width: 100%; margin: 4mm 0; break-inside: avoid; }}
th, td {{ border: 1px solid #999; padding: 1.5mm 2.5mm; text-align: left; vertical-align: top; }}
th {{ background: #eaf2ee; }}
</style></head><body>{body}</body></html>
"""


def main() -> None:
    """Render what the command line names."""
    parser = argparse.ArgumentParser(description="Render the binary sample documents.")
    parser.add_argument("lang", nargs="*", help="language folders to render (default: all)")
    every = sorted(folder.name for folder in (ROOT / "sources").iterdir())
    for lang in parser.parse_args().lang or every:
        build_language(lang)


def build_language(lang: str) -> None:
    """Render every source of one language."""
    target = ROOT / "knowledge" / lang
    target.mkdir(parents=True, exist_ok=True)
    renderers = {".docx.md": write_docx, ".pdf.md": write_pdf, ".xlsx.csv": write_xlsx}
    for source in sorted((ROOT / "sources" / lang).iterdir()):
        renderer = renderers.get("".join(source.suffixes[-2:]))
        if renderer is None:
            continue
        output = target / source.stem
        renderer(source.read_text(encoding="utf-8"), output, lang)
        print(f"{output.relative_to(ROOT)}: {output.stat().st_size:,} bytes")


def title_of(tokens: list[Token], fallback: str) -> str:
    """Return the text of the first heading."""
    for opening, inline in itertools.pairwise(tokens):
        if opening.type == "heading_open":
            return plain(inline)
    return fallback


def plain(inline: Token) -> str:
    """Return an inline token's text without its marks."""
    breaks = {"softbreak": " ", "hardbreak": "\n"}
    return "".join(breaks.get(t.type, t.content) for t in inline.children or [])


def write_docx(source: str, output: Path, lang: str) -> None:
    """Render a markdown text to a Word file."""
    tokens = MARKDOWN.parse(source)
    document = docx.Document()
    normal = document.styles["Normal"]
    normal.element.get_or_add_rPr().get_or_add_rFonts().set(qn("w:eastAsia"), CJK_FONT)
    properties = document.core_properties
    properties.title = title_of(tokens, output.stem)
    properties.author = properties.last_modified_by = AUTHORS.get(lang, AUTHORS["en"])
    properties.created = properties.modified = FIXED
    properties.revision = 1
    add_blocks(document, tokens)
    buffer = io.BytesIO()
    document.save(buffer)
    output.write_bytes(freeze_zip(buffer.getvalue()))


def add_blocks(document: Document, tokens: list[Token]) -> None:
    """Append markdown block tokens to a Word document."""
    lists: list[str] = []
    at = 0
    while at < len(tokens):
        token = tokens[at]
        if token.type == "heading_open":
            add_inline(document.add_heading(level=int(token.tag[1])), tokens[at + 1])
            at += 2
        elif token.type in ("bullet_list_open", "ordered_list_open"):
            lists.append("List Bullet" if token.type.startswith("bullet") else "List Number")
        elif token.type in ("bullet_list_close", "ordered_list_close"):
            lists.pop()
        elif token.type == "inline":
            add_inline(document.add_paragraph(style=list_style(lists)), token)
        elif token.type == "table_open":
            end = next(i for i in range(at, len(tokens)) if tokens[i].type == "table_close")
            add_table(document, tokens[at:end])
            at = end
        at += 1


def list_style(lists: list[str]) -> str | None:
    """Return the paragraph style for the innermost open list, none outside a list."""
    if not lists:
        return None
    depth = min(len(lists), 3)
    return lists[-1] if depth == 1 else f"{lists[-1]} {depth}"


def add_inline(paragraph: Paragraph, inline: Token) -> None:
    """Append an inline token's runs to a paragraph, keeping bold and italic."""
    bold = italic = 0
    for child in inline.children or []:
        bold += child.nesting if child.type.startswith("strong") else 0
        italic += child.nesting if child.type.startswith("em_") else 0
        content = " " if child.type == "softbreak" else child.content
        if child.type == "hardbreak":
            paragraph.add_run().add_break()
        elif content:
            run = paragraph.add_run(content)
            run.bold = True if bold else None
            run.italic = True if italic else None


def add_table(document: Document, tokens: list[Token]) -> None:
    """Append a markdown table, its first row in bold."""
    rows: list[list[Token]] = []
    for token in tokens:
        if token.type == "tr_open":
            rows.append([])
        elif token.type == "inline":
            rows[-1].append(token)
    table = document.add_table(rows=len(rows), cols=len(rows[0]), style="Table Grid")
    for number, (row, cells) in enumerate(zip(table.rows, rows, strict=True)):
        for cell, inline in zip(row.cells, cells, strict=True):
            add_inline(cell.paragraphs[0], inline)
            if number == 0:
                for run in cell.paragraphs[0].runs:
                    run.bold = True
    document.add_paragraph()


def write_pdf(source: str, output: Path, lang: str) -> None:
    """Print a markdown text to a PDF with headless Chromium."""
    tokens = MARKDOWN.parse(source)
    page = PAGE.format(
        lang={"zh": "zh-CN"}.get(lang, lang),
        title=html.escape(title_of(tokens, output.stem)),
        body=MARKDOWN.render(source),
    )
    with tempfile.TemporaryDirectory() as folder:
        page_file, pdf_file = Path(folder, "page.html"), Path(folder, "page.pdf")
        page_file.write_text(page, encoding="utf-8")
        command = [browser(), "--headless", "--no-sandbox", "--disable-gpu"]
        command += [f"--user-data-dir={folder}/profile", "--no-pdf-header-footer"]
        command += ["--generate-pdf-document-outline"]
        command += [f"--print-to-pdf={pdf_file}", page_file.as_uri()]
        subprocess.run(command, check=True, capture_output=True, timeout=120)
        content = pdf_file.read_bytes()
    # The replacement is as long as what it replaces, so that the offsets stay right.
    date = f"D:{FIXED:%Y%m%d%H%M%S}+00'00'".encode()
    output.write_bytes(re.sub(rb"D:\d{14}\+00'00'", date, content))


def browser() -> str:
    """Return the Chromium to print with: ``$CHROMIUM``, or the first one installed."""
    for name in (os.environ.get("CHROMIUM", ""), *BROWSERS):
        if found := shutil.which(name):
            return found
    raise SystemExit("no Chromium found: apt-get install chromium fonts-wqy-zenhei")


def write_xlsx(source: str, output: Path, lang: str) -> None:
    """Turn a CSV text into a one-sheet workbook."""
    workbook = Workbook()
    sheet = workbook.active
    assert sheet is not None
    for row in csv.reader(io.StringIO(source)):
        sheet.append(row)
    for number, column in enumerate(sheet.iter_cols(), start=1):
        sheet.column_dimensions[get_column_letter(number)].width = 28
        column[0].font = Font(bold=True)
        for cell in column:
            cell.alignment = Alignment(wrap_text=True, vertical="top")
    sheet.freeze_panes = "A2"
    workbook.properties.creator = AUTHORS.get(lang, AUTHORS["en"])
    workbook.properties.created = FIXED
    buffer = io.BytesIO()
    workbook.save(buffer)
    output.write_bytes(freeze_zip(buffer.getvalue()))


def freeze_zip(content: bytes) -> bytes:
    """Return a zip file's bytes with every time in it fixed."""
    frozen = io.BytesIO()
    stamp = f"{FIXED:%Y-%m-%dT%H:%M:%SZ}</dcterms:modified>".encode()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as old,
        zipfile.ZipFile(frozen, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in old.namelist():
            data = re.sub(rb"[\dT:-]+Z</dcterms:modified>", stamp, old.read(name))
            info = zipfile.ZipInfo(name, FIXED.timetuple()[:6])
            new.writestr(info, data, zipfile.ZIP_DEFLATED)
    return frozen.getvalue()


if __name__ == "__main__":
    main()
