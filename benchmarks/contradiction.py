"""Amounts that the documents contradict: false alarms, and planted ones that are found.

python benchmarks/contradiction.py

The sample transcripts are true to the sample documents, so whatever cleaning drops there is a false
alarm; each is listed. Then every amount that the documents state is made wrong, one reply at a
time, and counted whether it is found. Lastly one reply in fifty gets a wrong amount, as a poisoned
set would have it. The thresholds were set on these transcripts.
"""

from __future__ import annotations

import os
import random
import re
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from environment import described

from chatbot.app import build
from chatbot.settings import ChatbotSettings
from finetune import bounds
from finetune.cleaning import clean
from finetune.contradiction import Contradictions
from finetune.documents import Documents, opened
from finetune.pairs import Pair
from finetune.quantities import Quantity, quantities
from finetune.transcripts import read
from knowledge.settings import KnowledgeSettings
from knowledge.split import sentences
from knowledge.types import Passage

SAMPLES = Path(__file__).parent.parent / "samples"
MODELS = Path(os.environ.get("ZHIKE_MODELS") or "~/.cache/zhike/models").expanduser()
FIGURE = re.compile(r"\d+(?:[.,]\d+)*")
ONE_IN, SETS = 50, 20  # one reply in 50 is wrong, in each of 20 sets


class Remembered(Documents):
    """Searches of the same sentence are made once, whatever amount is in it."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents
        self._found: dict[str, list[Passage]] = {}
        self._evidence: dict[str, object] = {}

    def search(self, question: str) -> list[Passage]:
        key = FIGURE.sub("0", question)
        if key not in self._found:
            self._found[key] = self._documents.search(question)
        return self._found[key]

    def evidence(self, pair: Pair):  # type: ignore[no-untyped-def]
        key = "\n".join((pair.question, *(m.text for m in pair.history)))
        if key not in self._evidence:
            self._evidence[key] = self._documents.evidence(pair)
        return self._evidence[key]


def wrong(reply: str, quantity: Quantity) -> str:
    """The reply with each figure of this amount doubled, and one more."""

    def other(match: re.Match[str]) -> str:
        return str(int(float(match[0].replace(",", ""))) * 2 + 1)

    return reply.replace(quantity.text, FIGURE.sub(other, quantity.text), 1)


def planted(rows: Sequence[Pair], documents: Documents) -> list[tuple[int, Pair]]:
    """(number of the row, the row with one wrong amount), for every amount that is stated."""
    found = []
    for number, pair in enumerate(rows):
        texts = [
            p.text for s in sentences(pair.reply) if quantities(s) for p in documents.search(s)
        ]
        stated = [q for text in texts for q in quantities(text)]
        for quantity in quantities(pair.reply):
            known = any(quantity.within(one) for one in stated)
            if known and quantity.text in pair.reply:
                found.append((number, replace(pair, reply=wrong(pair.reply, quantity))))
    return found


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        app = build(home, MODELS, chatbot=ChatbotSettings(generator="none"))
        list(app.knowledge.add([SAMPLES / "knowledge"]))
        app.close()
        with opened(home, MODELS, KnowledgeSettings()) as found:
            assert found is not None
            print(described(figures(Remembered(found)), SAMPLES / "transcripts"))


def figures(documents: Documents) -> dict[str, object]:
    """What is dropped of the true replies, what is found of the planted ones."""
    rows = clean(read([SAMPLES / "transcripts"], lambda row: None), None).pairs
    compare = Contradictions(documents)
    alarms = compare(rows)
    changed = planted(rows, documents)
    caught = Contradictions(documents)([pair for _, pair in changed])
    poison, refused = round(len(rows) / ONE_IN), 0
    for seed in range(SETS):
        chosen = random.Random(seed).sample(range(len(changed)), poison)
        cases = [{"id": str(i), "note": caught[i]} for i in chosen if i in caught]
        told = {"dropped": len(cases), "compared": compare.compared, "cases": cases}
        refused += bool(bounds.poisoned({"dataset": {"contradicting": told}}))
    return {
        "true_replies": len(rows),
        "compared": compare.compared,
        "false_alarms": [f"{rows[i].reply} | {note}" for i, note in alarms.items()],
        "planted": len(changed),
        "found": len(caught),
        "found_share": round(len(caught) / len(changed), 3),
        "sets": SETS,
        "wrong_amounts_in_each": poison,
        "sets_refused": refused,
    }


if __name__ == "__main__":
    main()
