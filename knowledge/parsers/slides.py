"""PPTX files, read with python-pptx: a heading per slide, its texts and tables."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from knowledge.errors import UnreadableFile
from knowledge.parsers.outline import Outline, Row
from knowledge.parsers.package import check_package
from knowledge.types import Parsed

DEEPEST = 10  # groups within groups


def parse(path: Path) -> Parsed:
    """Slides in order; `page` is the slide's number. What the audience does not see is left out."""
    import pptx
    from pptx.exc import PythonPptxError

    check_package(path)
    try:
        deck = pptx.Presentation(str(path))
        outline = Outline()
        empty = 0
        slides = list(deck.slides)
        for number, slide in enumerate(slides, 1):
            if slide._element.get("show") == "0":
                outline.hidden(1, "slides")
            elif not _slide(slide, number, outline):
                empty += 1
        title = str(deck.core_properties.title or "").strip() or path.stem
    except (PythonPptxError, KeyError, ValueError, AttributeError, SyntaxError) as error:
        # lxml's XMLSyntaxError is a SyntaxError; parts that are missing raise the others.
        raise UnreadableFile(f"{path.name}: the presentation is damaged ({error}).") from error
    if empty:
        outline.warnings.append(f"{empty} of {len(slides)} slides have no text (pictures?).")
    return replace(outline.parsed(title), pages=len(slides), empty_pages=empty)


def _slide(slide: Any, number: int, outline: Outline) -> bool:
    """Whether it has any text that is seen."""
    title = slide.shapes.title
    heading = title.text_frame.text if title is not None else ""
    outline.heading(1, heading if heading.strip() else f"{number}")
    found = bool(heading.strip())
    for shape in _shapes(slide.shapes):
        if title is not None and shape.shape_id == title.shape_id:
            continue
        if shape._element.xpath(".//p:cNvPr[@hidden='1']"):
            outline.hidden(1, "shapes")
        elif getattr(shape, "has_table", False):
            outline.table(_rows(shape.table), number)
            found = True
        elif getattr(shape, "has_text_frame", False):
            lines = [" ".join(p.text.split()) for p in shape.text_frame.paragraphs]
            lines = [line for line in lines if line]
            found = found or bool(lines)
            if len(lines) > 1:
                outline.add("\n".join(f"- {line}" for line in lines), "list", number)
            else:
                outline.add("".join(lines), page=number)
        elif shape._element.tag.endswith("}pic"):
            outline.unread(1, "pictures")
        elif shape._element.xpath(".//a:graphicData"):
            outline.unread(1, "charts and diagrams")
    if slide.has_notes_slide and slide.notes_slide.notes_text_frame is not None:
        outline.hidden(bool(slide.notes_slide.notes_text_frame.text.strip()), "notes")
    return found


def _rows(table: Any) -> list[Row]:
    """A merged cell stands in each place that it spans; one across all is the row."""
    rows: list[Row] = []
    texts: dict[tuple[int, int], str] = {}  # (row, column) of merged cells
    height, width = len(table.rows), len(table.columns)
    for number, row in enumerate(table.rows):
        cells: list[str] = []
        for column, cell in enumerate(row.cells):
            if cell.is_merge_origin:
                down = range(number, min(number + cell.span_height, height))
                across = range(column, min(column + cell.span_width, width))
                texts.update(dict.fromkeys(((r, c) for r in down for c in across), cell.text))
            cells.append(texts.get((number, column), cell.text))
        first = row.cells[0]
        alone = len(cells) > 1 and first.is_merge_origin and first.span_width >= len(cells)
        rows.append(cells[0] if alone else cells)
    return rows


def _shapes(shapes: Any, depth: int = 0) -> Iterator[Any]:
    """Groups opened, in reading order of the file."""
    for shape in shapes:
        if hasattr(shape, "shapes") and depth < DEEPEST:
            yield from _shapes(shape.shapes, depth + 1)
        else:
            yield shape
