"""Trains the CRF that marks a team's own slots: word features and BIO tags in, its folder out."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import pycrfsuite

from chatbot import crf_features
from chatbot.crf_tagger import CARD, LONGEST, MODEL, Lookup
from chatbot.spans import bio
from finetune.errors import TrainingError
from finetune.spans import Marked

ITERATIONS = 100  # of L-BFGS; 200 gain nothing on RESTAURANTS-8K and on CrossWOZ
L1, L2 = 0.1, 0.01  # 0.3 and 0.01, 0.05 and 0.05 lose half a point of F1 on RESTAURANTS-8K
ITERATION = re.compile(r"\*+ Iteration #(\d+)")
LOSS = re.compile(r"Loss: ([\d.]+)")
Told = Callable[[int, int, float], None]  # step, steps, loss


def train(
    texts: Sequence[Marked],
    out: Path,
    tell: Told = lambda step, steps, loss: None,
    *,
    lookup: Lookup = lambda text: (),
) -> None:
    """Learn from `texts` and write the tagger to `out`, a new folder.

    `tell` gets step, steps and loss (nats per word, with the penalty of the weights). `lookup`
    finds names of the team's list. Raises TrainingError.
    """
    trainer = _Trainer(tell)
    for marked in texts:
        text = marked.text[:LONGEST]
        words = crf_features.places(text)
        if words:
            trainer.append(
                crf_features.features(text, words, marked.context, lookup(text)),
                bio(words, marked.spans),
            )
            trainer.words += len(words)
    out.mkdir(parents=True)
    trainer.train(str(out / MODEL))
    if not (out / MODEL).is_file():
        raise TrainingError(f"{out / MODEL}: CRFsuite wrote no model. Is there room on the disk?")
    kinds = sorted({span.kind for marked in texts for span in marked.spans})
    card = {"task": "entities", "engine": "crf", "features": crf_features.VERSION, "kinds": kinds}
    (out / CARD).write_text(json.dumps(card, ensure_ascii=False), "utf-8")


class _Trainer(pycrfsuite.BaseTrainer):  # type: ignore[misc]
    """What is raised in `tell`, as by a cancelled run, ends the training."""

    def __init__(self, tell: Told) -> None:
        limits = {"c1": L1, "c2": L2, "max_iterations": ITERATIONS}
        super().__init__("lbfgs", limits, verbose=False)
        self.words = 0
        self._tell, self._step = tell, 0

    def message(self, message: str) -> None:
        """A line of CRFsuite's log."""
        if found := ITERATION.match(message):
            self._step = int(found[1])
        elif self._step and (found := LOSS.match(message)):
            self._tell(self._step, ITERATIONS, float(found[1]) / self.words)
