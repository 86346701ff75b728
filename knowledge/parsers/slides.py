"""PPTX files, read with python-pptx: a heading per slide, its texts, tables and notes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from knowledge.errors import UnreadableFile
from knowledge.parsers.office import check_package
from knowledge.parsers.outline import Outline, row_lines
from knowledge.types import Parsed

DEEPEST = 10  # groups within groups


def parse(path: Path) -> Parsed:
    """Slides in order; `page` is the slide's number; hidden slides are left out."""
    import pptx
    from pptx.exc import PythonPptxError

    check_package(path)
    try:
        deck = pptx.Presentation(str(path))
        outline = Outline()
        hidden = 0
        for number, slide in enumerate(deck.slides, 1):
            if slide._element.get("show") == "0":
                hidden += 1
            else:
                _slide(slide, number, outline)
        title = str(deck.core_properties.title or "").strip() or path.stem
    except (PythonPptxError, KeyError, ValueError, AttributeError, SyntaxError) as error:
        # lxml's XMLSyntaxError is a SyntaxError; parts that are missing raise the others.
        raise UnreadableFile(f"{path.name}: the presentation is damaged ({error}).") from error
    if hidden:
        outline.warnings.append(f"{hidden} hidden slides were left out.")
    return outline.parsed(title)


def _slide(slide: Any, number: int, outline: Outline) -> None:
    title = slide.shapes.title
    heading = title.text_frame.text if title is not None else ""
    outline.heading(1, heading if heading.strip() else f"{number}")
    for shape in _shapes(slide.shapes):
        if title is not None and shape.shape_id == title.shape_id:
            continue
        if getattr(shape, "has_table", False):
            rows = [[cell.text for cell in row.cells] for row in shape.table.rows]
            outline.add("\n".join(row_lines(rows[0], rows[1:])), "table", number)
        elif shape.has_text_frame:
            lines = [" ".join(p.text.split()) for p in shape.text_frame.paragraphs]
            lines = [line for line in lines if line]
            if len(lines) > 1:
                outline.add("\n".join(f"- {line}" for line in lines), "list", number)
            else:
                outline.add("".join(lines), page=number)
    if slide.has_notes_slide and slide.notes_slide.notes_text_frame is not None:
        outline.add(slide.notes_slide.notes_text_frame.text, page=number)


def _shapes(shapes: Any, depth: int = 0) -> Iterator[Any]:
    """Groups opened, in reading order of the file."""
    for shape in shapes:
        if hasattr(shape, "shapes") and depth < DEEPEST:
            yield from _shapes(shape.shapes, depth + 1)
        else:
            yield shape
