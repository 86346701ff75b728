"""The search bench: what a question finds, how sure that is, and what the assistant would do."""

from __future__ import annotations

import gradio as gr

from chatbot.app import App
from chatbot.probe import Probe, probe
from knowledge.errors import KnowledgeError
from knowledge.features import Sentence
from knowledge.types import FaqMatch, Passage
from ui import render
from ui.labels import Labels
from ui.pages.notices import QUIET, done, heading, hint, problem
from ui.texts import Texts, texts

BEST = 3  # sentences that are marked and listed


class SearchBench:
    """The card in which staff ask as a customer would."""

    def __init__(self, app: App, labels: Labels) -> None:
        self._assistant, self._labels = app.assistant, labels

    def build(self, language: gr.Radio) -> None:
        """The card's components and events."""
        add = self._labels.add
        with gr.Column(elem_classes="card"):
            add(gr.Markdown(), value=lambda words: heading(words, "documents.search"))
            with gr.Row(equal_height=True, elem_classes="form"):
                self._query = add(
                    gr.Textbox(
                        "",
                        show_label=False,
                        container=False,
                        max_length=2_000,
                        scale=1,
                        min_width=240,
                        elem_id="query",
                    ),
                    placeholder="documents.query",
                    label="documents.query",
                )
                self.collection = gr.Dropdown(
                    [("All collections", "")],
                    value="",
                    show_label=False,
                    container=False,
                    scale=0,
                    min_width=190,
                    elem_id="bench-collection",
                )
                add(self.collection, label="documents.collection")
                self._search = add(
                    gr.Button(variant="primary", scale=0, min_width=110, elem_id="search"),
                    value="documents.search",
                )
            self._found = gr.Markdown("", elem_id="found")
        asked = [self._query, self.collection, language]
        # By name, for programs that drive the desk through gradio_client
        named = {**QUIET, "api_visibility": "undocumented", "api_name": "search"}
        self._search.click(self._tried, asked, self._found, **named)
        self._query.submit(self._tried, asked, self._found, **QUIET)
        language.input(self._tried_again, asked, self._found, **QUIET)

    def _tried(self, query: str, collection: str | None, language: str) -> str:
        words = texts(language)
        if not query.strip():
            return problem(words("bench.nothing"))
        try:
            return _shown(probe(self._assistant, query, collection or None), words)
        except KnowledgeError as error:
            return problem(words("desk.failed", error=error))

    def _tried_again(self, query: str, collection: str | None, language: str) -> str:
        return self._tried(query, collection, language) if query.strip() else ""


def _shown(found: Probe, words: Texts) -> str:
    best = found.evidence.sentences[:BEST]
    parts = [_verdict(found, words), _facts(found, words)]
    if found.approved is not None:
        parts.append(_approved(found.approved, words))
    if best:
        parts.append(_sentences(best, words))
    parts.append(_passages(found.found, best, words))
    return "".join(parts)


def _verdict(found: Probe, words: Texts) -> str:
    """Whether the customer gets an answer, and which kind."""
    if found.approved is not None and found.answers:
        return done(words("bench.approved"))
    action = words(f"action.{found.decision.action.value}")
    if found.answers:
        return done(words("bench.answers", action=action))
    return problem(words("bench.does_not", action=action))


def _facts(found: Probe, words: Texts) -> str:
    facts = [
        ("bench.probability", f"{found.evidence.probability:.2f}"),
        ("bench.floor", f"{found.evidence.floor:.2f}"),
        ("bench.language", found.language),
        ("conversations.intent", f"{found.intent.name} {found.intent.score:.2f}"),
    ]
    if found.evidence.unknown:
        facts.append(("bench.unknown", ", ".join(found.evidence.unknown)))
    cells = "".join(
        f"<span><b>{render.plain(words(key))}</b>{render.plain(value)}</span>"
        for key, value in facts
    )
    return f'<div class="facts">{cells}</div>' + hint(words("bench.probability_note"))


def _approved(match: FaqMatch, words: Texts) -> str:
    title = render.plain(words("bench.approved_title", score=f"{match.score:.2f}"))
    return (
        f'<h4>{title}</h4><div class="chunk"><div class="where">{render.plain(match.question)}'
        f"</div><div>{render.plain(match.answer)}</div>"
        f'<div class="file">{render.plain(f"{match.collection}/{match.document}")}</div></div>'
    )


def _sentences(best: tuple[Sentence, ...], words: Texts) -> str:
    rows = [[s.text, s.passage.document, f"{s.score:.2f}"] for s in best]
    head = [words(f"bench.{name}") for name in ("sentence", "document", "sentence_score")]
    title = render.plain(words("bench.best"))
    return f"<h4>{title}</h4>{render.table(head, rows, 'best')}"


def _passages(found: tuple[Passage, ...], best: tuple[Sentence, ...], words: Texts) -> str:
    """What the search found, with the fused rank score and the two scores behind it."""
    if not found:
        return hint(words("documents.nothing_found"))
    names = ("rank", "passage", "score", "cosine", "keyword")
    head = "".join(f"<th>{render.plain(words(f'documents.{name}'))}</th>" for name in names)
    rows = "".join(_passage(n, p, best, words) for n, p in enumerate(found, 1))
    title = render.plain(words("bench.passages", count=len(found)))
    return (
        f'<h4>{title}</h4><div class="passages"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>" + hint(words("documents.scores_note"))
    )


def _passage(number: int, p: Passage, best: tuple[Sentence, ...], words: Texts) -> str:
    # An approved answer shows its question itself; its document is a table without a title.
    page = words("documents.page", page=p.page) if p.page else ""
    where = " · ".join(filter(None, ("" if p.kind == "faq" else p.title, p.heading, page)))
    marked = render.passage(p.text, *(s.text for s in best if s.passage.id == p.id))
    return (
        f'<tr><td>{number}</td><td><div class="where">{render.plain(where)}</div>{marked}'
        f'<div class="file">{render.plain(f"{p.collection}/{p.document}")}</div></td>'
        f"<td>{p.score:.2f}</td><td>{p.cosine:.2f}</td><td>{p.keyword:.1f}</td></tr>"
    )
