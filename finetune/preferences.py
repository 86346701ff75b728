"""Pairs of replies to one question, a better and a worse one: what preference training learns.

They come from the runner-ups of a run's own data, from answers that the assistant wrote, a customer
rated down and a colleague corrected, and from suggestions that an agent changed before sending.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from chatbot import drafts
from chatbot.feedback import LIST
from chatbot.feedback import migrations as feedback_migrations
from chatbot.generation.quoting import QuotingGenerator
from chatbot.masking import Masker
from finetune.best_reply import Rejected
from finetune.contradiction import Contradictions
from finetune.dataset import position
from finetune.documents import Documents
from finetune.errors import DatasetError
from finetune.examples import Example, encoded
from finetune.filters import abusive, promising, secret
from finetune.lessons import PREFIX
from finetune.pairs import Pair
from knowledge.database import Database
from knowledge.pairs import read as approved_pairs

LEAST = 8  # pairs to learn from: fewer tell nothing but themselves
HELD_OUT = 0.2  # share of the pairs that margins are measured with
RATIO = 2.0  # of the lengths of two replies, at most: else length is what is learnt
BALANCE = 0.1  # |mean of log(better / worse)| at most, in supervised tokens: 10 % longer


@dataclass(frozen=True, slots=True)
class Preference:
    """Two examples with the same prompt."""

    chosen: Example
    rejected: Example
    row: Rejected

    @property
    def length(self) -> float:
        """log of better over worse, in supervised tokens; 0 is equally long."""
        return math.log(self.chosen.supervised / self.rejected.supervised)


@dataclass(frozen=True, slots=True)
class Preferences:
    """What a run learns from, and what its margins are measured with."""

    train: tuple[Preference, ...]
    held_out: tuple[Preference, ...]  # no conversation of theirs is in train
    counts: dict[str, int]  # by source, and what was left out, by reason


def runners_up(dataset: Path) -> list[Rejected]:
    """Of a run's data; [] when it kept none."""
    path = dataset / "rejected.jsonl"
    if not path.exists():
        return []
    return [Rejected(**json.loads(line)) for line in path.read_text("utf-8").splitlines() if line]


def corrected(database: Database) -> list[Rejected]:
    """Answers that the assistant wrote itself and a colleague corrected after a thumb down.

    What was quoted is left out: the documents were worse than the correction, not the writing.
    The tables of documents and conversations must be there.
    """
    database.migrate(feedback_migrations)
    rows = database.rows(f"SELECT * FROM ({LIST} TRUE) WHERE state = 'corrected' ORDER BY reply_id")
    approved = {pair.id: pair for pair in approved_pairs(database)}
    found = []
    for row in rows:
        pair = approved.get(row["note"])
        if pair is not None and row["engine"] != QuotingGenerator.name:
            masker = Masker()  # placeholders are the same in all three texts
            texts = (pair.question, pair.answer, row["answer"])
            asked, better, worse = (masker.mask(text) for text in texts)
            talk = f"{PREFIX}{row['session_id']}"
            found.append(Rejected(asked, better, worse, pair.language, talk, talk))
    return found


def edited(database: Database) -> list[Rejected]:
    """What agents sent, and the suggestion that they made it of: also a quoted one, as it is the
    wording that was changed. The tables of conversations must be there."""
    found = []
    for one in drafts.edited(database):
        masker = Masker()  # placeholders are the same in all three texts
        asked, better, worse = map(masker.mask, (one.question, one.sent, one.suggested))
        talk = f"{PREFIX}{one.session}"
        found.append(Rejected(asked, better, worse, one.language, talk, talk))
    return found


def collect(
    sources: Mapping[str, Iterable[Rejected]],
    tokenizer: Any,
    documents: Documents | None,
    passages: int,
    max_tokens: int,
) -> Preferences:
    """Checked, rendered as serving does, and balanced in length.

    Raises DatasetError when fewer than LEAST are left to learn from.
    """
    counts: Counter[str] = Counter()
    found = []
    for name, rows in sources.items():
        for row in rows:
            counts[name] += 1
            if problem := _problem(row, documents):
                counts[problem] += 1
                continue
            preference = _encoded(row, tokenizer, documents, passages, max_tokens)
            if preference is None:
                counts["too-long"] += 1
            else:
                found.append(preference)
    kept = balanced(found)
    if len(kept) < len(found):
        counts["length"] = len(found) - len(kept)
    held_out = [p for p in kept if position(p.row.conversation) < HELD_OUT]
    sides = {c for p in held_out for c in (p.row.conversation, p.row.rejected_conversation) if c}
    train = [
        p
        for p in kept
        if p not in held_out and not sides & {p.row.conversation, p.row.rejected_conversation}
    ]
    if len(train) < LEAST:
        raise DatasetError(
            f"Only {len(train)} pairs of a better and a worse reply are left, at least {LEAST} are "
            f"needed ({_told(counts)}). Import more transcripts or correct more complaints."
        )
    return Preferences(tuple(train), tuple(held_out), dict(counts))


def _told(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items()) or "none found"


def _problem(row: Rejected, documents: Documents | None) -> str:
    """ "" or why the better reply may not be learnt: nobody filtered it since it won."""
    pair = Pair(row.conversation, row.language, (), row.question, row.chosen)
    for name, which in (("abuse", abusive), ("promise", promising), ("secret", secret)):
        if which([pair]):
            return name
    if row.chosen.strip() == row.rejected.strip():
        return "same"
    if documents is not None and Contradictions(documents)([pair]):
        return "contradicts"
    return ""


def _encoded(
    row: Rejected, tokenizer: Any, documents: Documents | None, passages: int, max_tokens: int
) -> Preference | None:
    """Both replies after the same prompt, with as many passages as fit; None: it fits with none."""
    evidence = documents.search(row.question)[:passages] if documents else []
    while True:
        sides = [
            encoded(
                Pair(row.conversation, row.language, (), row.question, reply),
                (),
                evidence,
                tokenizer,
            )
            for reply in (row.chosen, row.rejected)
        ]
        chosen, rejected = sides
        if chosen is None or rejected is None:
            return None
        if max(len(chosen.ids), len(rejected.ids)) <= max_tokens:
            return Preference(chosen, rejected, row)
        if not evidence:
            return None
        evidence = evidence[:-1]


def balanced(found: Sequence[Preference]) -> list[Preference]:
    """Without pairs of very different length, and equally long in the mean.

    A model that is always shown the longer reply as the better one learns to be long (Park et al.
    2024): the most unequal of the heavier side go until the mean is within BALANCE.
    """
    kept = sorted(
        (p for p in found if abs(p.length) <= math.log(RATIO)), key=lambda one: one.length
    )
    while kept and abs(mean := fmean(p.length for p in kept)) > BALANCE:
        kept.pop(-1 if mean > 0 else 0)
    order = {id(p): at for at, p in enumerate(found)}
    return sorted(kept, key=lambda one: order[id(one)])


def write(preferences: Preferences, dataset: Path) -> None:
    """preference.jsonl: a pair a line, so that what is taken back can be found and removed."""
    with (dataset / "preference.jsonl").open("w", encoding="utf-8") as file:
        for side, rows in (("train", preferences.train), ("held_out", preferences.held_out)):
            for one in rows:
                line = asdict(one.row) | {"side": side, "passages": one.chosen.passages}
                file.write(json.dumps(line, ensure_ascii=False) + "\n")
