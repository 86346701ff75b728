"""The data of a run: split by customer or time, checked for leaks, written with its card."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from finetune import funnel
from finetune.best_reply import Rejected
from finetune.duplicates import twins
from finetune.errors import DatasetError
from finetune.examples import Example
from finetune.funnel import Dropped, Step
from finetune.pairs import Pair
from finetune.settings import SplitBy

HELD_OUT = 0.15  # share of the conversations
MIN_CONVERSATIONS = 5  # below it a held-out loss says nothing
EVERYBODY = 0.2  # of the conversations: a "customer" of more is a role or a shared account


@dataclass(frozen=True, slots=True)
class Split:
    """Pairs to learn from and to measure with; no conversation and no customer is in both."""

    train: tuple[Pair, ...]
    held_out: tuple[Pair, ...]
    leaks: int  # conversations moved to train, because a pair of theirs has a twin there


def split(found: Sequence[Pair], held_out: float = HELD_OUT, by: SplitBy = "conversation") -> Split:
    """The same conversation (or customer) is always on the same side, whatever else is there.

    By time the latest conversations are held out, and the customers of the others may be in them:
    that is how it will serve. Raises DatasetError when there are too few conversations.
    """
    ids = sorted({pair.conversation for pair in found}, key=position)
    if len(ids) < MIN_CONVERSATIONS:
        raise DatasetError(
            f"Only {len(ids)} conversations with usable replies are left, at least "
            f"{MIN_CONVERSATIONS} are needed. Add transcripts."
        )
    measured = _latest(found, held_out) if by == "time" else _chosen(found, held_out, by)
    measured = measured or {ids[0]}
    leaked = _leaks(found, measured)
    measured -= leaked
    if not measured:
        raise DatasetError(
            "Every held-out conversation has a near-duplicate among those to learn from, so the "
            "result could not be measured. Remove repeated conversations or add different ones."
        )
    return Split(
        tuple(pair for pair in found if pair.conversation not in measured),
        tuple(pair for pair in found if pair.conversation in measured),
        len(leaked),
    )


def _chosen(found: Sequence[Pair], held_out: float, by: SplitBy) -> set[str]:
    """By the conversation's own id, or by its customer's, where an export tells customers."""
    customer = {pair.conversation: pair.customer for pair in found}
    counts = Counter(customer.values())
    known = {
        name
        for name, count in counts.items()
        if by == "customer" and name and count <= max(1, EVERYBODY * len(customer))
    }
    return {id for id, who in customer.items() if position(who if who in known else id) < held_out}


def _latest(found: Sequence[Pair], held_out: float) -> set[str]:
    """Raises DatasetError when the export has no times."""
    last: dict[str, datetime] = {}
    for pair in found:
        when = _when(pair.time)
        if when and (pair.conversation not in last or when > last[pair.conversation]):
            last[pair.conversation] = when
    if len(last) < MIN_CONVERSATIONS:
        raise DatasetError(
            'finetune.split is "time", but fewer than '
            f"{MIN_CONVERSATIONS} conversations have a time (ISO 8601). Split by customer."
        )
    ordered = sorted(last, key=lambda id: (last[id], id))
    return set(ordered[-max(1, round(held_out * len(ordered))) :])


def _when(text: str) -> datetime | None:
    """UTC; a time without a zone counts as UTC."""
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        return None
    return when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)


def position(conversation: str) -> float:
    """0..1, evenly spread and fixed for an id; below the held-out share: measured with."""
    digest = hashlib.sha256(conversation.encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def _leaks(found: Sequence[Pair], measured: set[str]) -> set[str]:
    """Measured conversations with a twin in train, directly or by way of one that moves there."""
    near = {
        frozenset((found[i].conversation, found[j].conversation))
        for texts in ([p.text for p in found], [p.reply for p in found])
        for i, j in twins(texts)
        if found[i].conversation != found[j].conversation
    }
    leaked: set[str] = set()
    while True:
        held = measured - leaked
        new = {id for pair in near for id in pair if id in held and len(pair & held) == 1}
        if not new:
            return leaked
        leaked |= new


@dataclass(frozen=True, slots=True)
class Dataset:
    """What a run learns from and is measured with."""

    train: tuple[Example, ...]
    held_out: tuple[Example, ...]
    sha256: str  # of all examples, in order
    card: dict[str, Any]  # counts, funnel, sources, hash: plain values for JSON
    dropped: tuple[Dropped, ...] = ()  # by cleaning, to be looked at and put back
    rejected: tuple[Rejected, ...] = ()  # replies that lost against a better one
    unanswerable: tuple[Example, ...] = ()  # held out; their fixed phrase would flatter the loss


def build(
    train: Sequence[Example],
    held_out: Sequence[Example],
    steps: Sequence[Step],
    sources: Sequence[Path],
) -> Dataset:
    """Dataset with its card. Raises DatasetError when one side is empty."""
    for name, examples in (("to learn from", train), ("to measure with", held_out)):
        if not examples:
            raise DatasetError(f"No replies {name} are left after cleaning. Add transcripts.")
    digest = hashlib.sha256()
    for side, examples in (("train", train), ("held_out", held_out)):
        for example in examples:
            digest.update(json.dumps([side, example.ids, example.supervised]).encode())
    card = {
        "sha256": digest.hexdigest(),
        "sources": {path.name: _sha256(path) for path in sources},
        "train": _counts(train),
        "held_out": _counts(held_out),
        "funnel": [asdict(step) for step in steps],
    }
    return Dataset(tuple(train), tuple(held_out), digest.hexdigest(), card)


def write(dataset: Dataset, folder: Path) -> None:
    """train, held_out, unanswerable, dropped and rejected.jsonl (masked) and card.json."""
    folder.mkdir(parents=True, exist_ok=True)
    sides = {"train": dataset.train, "held_out": dataset.held_out}
    for name, examples in (sides | {"unanswerable": dataset.unanswerable}).items():
        with (folder / f"{name}.jsonl").open("w", encoding="utf-8") as file:
            for example in examples:
                row = {
                    "conversation": example.pair.conversation,
                    "language": example.pair.language,
                    "history": [[m.role, m.text] for m in example.pair.history],
                    "question": example.pair.question,
                    "reply": example.pair.reply,
                    "passages": example.passages,
                    "evidence": example.evidence,
                    "abstains": example.abstains,
                    "ids": example.ids,
                    "tokens": len(example.ids),
                    "supervised": example.supervised,
                }
                file.write(json.dumps(row, ensure_ascii=False) + "\n")
    funnel.write(dataset.dropped, folder / "dropped.jsonl")
    with (folder / "rejected.jsonl").open("w", encoding="utf-8") as file:
        for loser in dataset.rejected:
            file.write(json.dumps(asdict(loser), ensure_ascii=False) + "\n")
    text = json.dumps(dataset.card, ensure_ascii=False, indent=1)
    (folder / "card.json").write_text(text, encoding="utf-8")


def _counts(examples: Sequence[Example]) -> dict[str, Any]:
    supervised = sorted(example.supervised for example in examples)
    return {
        "conversations": len({example.pair.conversation for example in examples}),
        "replies": len(examples),
        "languages": dict(Counter(example.pair.language for example in examples)),
        "tokens": sum(len(example.ids) for example in examples),
        "supervised_tokens": sum(supervised),
        "supervised_min_median_max": [
            supervised[0],
            supervised[len(supervised) // 2],
            supervised[-1],
        ],
        "with_passages": sum(example.passages > 0 for example in examples),
        "unanswerable": sum(example.abstains for example in examples),
    }


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
