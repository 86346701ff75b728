"""The chunks of one version of a document, a page at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gradio as gr

from knowledge.errors import KnowledgeError
from knowledge.knowledge_base import KnowledgeBase
from knowledge.types import Chunk
from ui import render
from ui.labels import Labels
from ui.pages.notices import QUIET, problem
from ui.texts import Texts, texts

PAGE = 20  # chunks
Place = tuple[str, int, int]  # document id, version, page from 0


class ChunkPager:
    """A list of chunks with buttons to turn its pages."""

    def __init__(self, knowledge: KnowledgeBase, labels: Labels, name: str) -> None:
        """name: what the ids of its elements begin with."""
        self._knowledge, self._labels, self._name = knowledge, labels, name
        self.outputs: list[Any] = []

    def build(self, language: gr.Radio) -> None:
        """The components and their events."""
        add, name = self._labels.add, self._name
        self._place: gr.State = gr.State(None)
        self._shown = gr.Markdown("", elem_id=f"{name}-chunks")
        with gr.Row(elem_classes="pager", visible=False) as self._row:
            self._back = add(
                gr.Button(size="sm", min_width=80, elem_id=f"{name}-back"), value="document.back"
            )
            self._next = add(
                gr.Button(size="sm", min_width=80, elem_id=f"{name}-next"), value="document.next"
            )
        self.outputs = [self._place, self._shown, self._row, self._back, self._next]
        turned = ([self._place, language], self.outputs)
        self._back.click(lambda place, words: self._turn(place, -1, words), *turned, **QUIET)
        self._next.click(lambda place, words: self._turn(place, 1, words), *turned, **QUIET)

    def show(self, document_id: str, number: int, language: str, page: int = 0) -> dict[Any, Any]:
        """Values for `outputs`. number: of the version."""
        words = texts(language)
        try:
            chunks = self._knowledge.version(document_id, number)
        except KnowledgeError:
            return self.clear() | {self._shown: problem(words("document.version_gone"))}
        last = max(0, (len(chunks) - 1) // PAGE)
        page = min(max(page, 0), last)
        return {
            self._place: (document_id, number, page),
            self._shown: _chunks(chunks, page, words),
            self._row: gr.update(visible=last > 0),
            self._back: gr.update(interactive=page > 0),
            self._next: gr.update(interactive=page < last),
        }

    def clear(self) -> dict[Any, Any]:
        """Values for `outputs` when there is no document."""
        kept = dict.fromkeys((self._back, self._next), gr.update())
        return {self._place: None, self._shown: "", self._row: gr.update(visible=False), **kept}

    def _turn(self, place: Place | None, by: int, language: str) -> dict[Any, Any]:
        if place is None:
            return self.clear()
        document_id, number, page = place
        return self.show(document_id, number, language, page + by)


def _chunks(chunks: Sequence[Chunk], page: int, words: Texts) -> str:
    start = page * PAGE
    shown = chunks[start : start + PAGE]
    note = words("document.chunks_of", first=start + 1, last=start + len(shown), count=len(chunks))
    body = "".join(
        f'<div class="chunk"><div class="where">{n}. {render.plain(where(chunk, words))}</div>'
        f"<div>{render.plain(chunk.text)}</div></div>"
        for n, chunk in enumerate(shown, start + 1)
    )
    return f'<div class="chunks"><p class="hint">{render.plain(note)}</p>{body}</div>'


def where(chunk: Chunk, words: Texts) -> str:
    """Heading, page and kind of a chunk, as far as it has them."""
    page = words("documents.page", page=chunk.page) if chunk.page else ""
    return " · ".join(filter(None, (chunk.heading, page, words.named("kind", chunk.kind))))
