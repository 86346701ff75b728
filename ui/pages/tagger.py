"""The desk's training of a tagger from marked texts, with its report by type of span."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr

from chatbot.errors import ChatbotError
from finetune import tagger_run
from finetune.errors import FinetuneError
from finetune.tagger_run import TaggerJob
from knowledge.errors import KnowledgeError
from ui import render
from ui.labels import Labels
from ui.pages.notices import QUIET, done, heading, problem
from ui.settings import Settings
from ui.texts import Texts, texts

FILES = [".conll", ".txt", ".tsv", ".json", ".jsonl"]
Updates = dict[Any, Any]


class TaggerCard:
    """Trains a CRF; it serves once it is promoted in the list of runs."""

    def __init__(self, settings: Settings, labels: Labels) -> None:
        self._settings, self._labels = settings, labels

    def build(self, language: gr.Radio) -> Any:
        """The card; returns the event after which the list of runs is another one."""
        add = self._labels.add
        with gr.Column(elem_classes="card", elem_id="tagger"):
            add(gr.Markdown(), value=lambda words: heading(words, "tagger.tagger"))
            self._file = add(
                gr.File(file_types=FILES, height=120, elem_id="tagger-file"), label="tagger.file"
            )
            with gr.Row(elem_classes="buttons"):
                train = add(gr.Button(size="sm", elem_id="tagger-train"), value="tagger.train")
            self._said = gr.Markdown("", elem_id="tagger-said")
            self._report = gr.Markdown("", elem_id="tagger-report")
        outputs = [self._said, self._report, self._file]
        given = [self._file, language]
        return train.click(self._trained, given, outputs, concurrency_limit=1, **QUIET)

    def _trained(self, file: str | None, language: str) -> Iterator[Updates]:
        """Train in a process of its own; the file is deleted at the end, for it is not masked."""
        words = texts(language)
        if not file:
            yield {self._said: problem(words("tagger.nothing")), self._report: ""}
            return
        working = render.plain(words("tagger.working"))
        yield {self._said: f'<p class="working">{working}</p>', self._report: ""}
        data = Path(file)
        try:
            run = tagger_run.start(TaggerJob(self._settings.home, self._settings.models, data))
        except (FinetuneError, ChatbotError, KnowledgeError) as error:
            yield {self._said: problem(words("desk.failed", error=error)), self._file: None}
            return
        finally:
            data.unlink(missing_ok=True)
        counts = run.card["dataset"]
        told = words(
            "tagger.done", name=run.name, train=counts["train"], held_out=counts["held_out"]
        )
        yield {
            self._said: done(told),
            self._report: report(run.card["report"], words),
            self._file: None,
        }


def report(scores: dict[str, Any], words: Texts) -> str:
    """Exact spans by type and over all."""
    names = ("kind", "precision", "recall", "f1", "support")
    rows = [
        [kind, *(f"{row[name]:.3f}" for name in names[1:4]), str(row["support"])]
        for kind, row in [*scores["by_type"].items(), (words("tagger.all"), scores)]
    ]
    return render.table([words(f"tagger.{name}") for name in names], rows, "results")
