"""What every cleaning step kept and took away, as counts, as rows, and as a picture."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from finetune.errors import TranscriptError
from finetune.pairs import Pair

Chosen = set[int] | dict[int, str]  # numbers of rows; with a note for each
WIDTH = 32  # characters of the longest bar
NEVER_BACK = frozenset({"secret"})  # codes of rows that nobody may put back
CODES = {  # code → what it means, for people
    "unhappy": "the customer rated the conversation 2 or lower",
    "not-helped": "the customer's next turn says that the reply did not help",
    "runner-up": "another reply to the same question did better",
    "uninformative": "says nothing of its own: only words that most replies have",
    "duplicate": "word for word another reply",
    "near-duplicate": "nearly another reply (Jaccard ≥ 0.8, same numbers)",
    "crowded": "its question is asked so often that others would hardly count",
    "language": "in a language that the base does not speak",
    "too-short": "a reply too short to teach anything",
    "too-long": "a reply too long to learn",
    "abuse": "an agent's swear word or insult",
    "promise": "promises what only the shop's policy may promise",
    "secret": "a password, key or one-time code",
    "invented-data": "holds personal data that the customer did not write",
    "contradicts": "an amount, price or duration that the documents contradict",
    "speaker-share": "one person wrote more than the allowed share of the rows",
}


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the funnel: what a step left and what it took away."""

    name: str
    kept: int
    removed: int
    unit: str  # what is counted: conversations, turns, replies, …
    reason: str
    code: str = ""  # of the rows it dropped; "" when it drops no rows


@dataclass(frozen=True, slots=True)
class Dropped:
    """A row that was taken away; its text is masked."""

    id: str
    code: str  # a key of CODES
    conversation: str
    language: str
    question: str
    reply: str
    note: str = ""  # what exactly, where a code does not tell it


@dataclass(slots=True)
class Ledger:
    """Rows on their way through the steps; those in `put_back` pass every one."""

    rows: list[Pair]
    put_back: frozenset[str] = frozenset()
    steps: list[Step] = field(default_factory=list)
    dropped: list[Dropped] = field(default_factory=list)

    def drop(self, name: str, code: str, which: Callable[[Sequence[Pair]], Chosen]) -> list[Pair]:
        """Take away the rows whose numbers `which` gives; returns those that went."""
        chosen = which(self.rows)
        notes = chosen if isinstance(chosen, dict) else dict.fromkeys(chosen, "")
        numbers = [
            number
            for number in sorted(notes)
            if code in NEVER_BACK or self.rows[number].id not in self.put_back
        ]
        gone = [self.rows[number] for number in numbers]
        ids = {id(pair) for pair in gone}
        self.rows = [pair for pair in self.rows if id(pair) not in ids]
        self.dropped += [
            Dropped(p.id, code, p.conversation, p.language, p.question, p.reply, notes[number])
            for number, p in zip(numbers, gone, strict=True)
        ]
        self.steps.append(Step(name, len(self.rows), len(gone), "replies", CODES[code], code))
        return gone


def picture(steps: Iterable[Step]) -> str:
    """The funnel as text: a bar of what each step kept, in the scale of its own unit."""
    steps = list(steps)
    most: dict[str, int] = {}
    for step in steps:
        most[step.unit] = max(most.get(step.unit, 1), step.kept + step.removed)
    lines = []
    for step in steps:
        bar = "█" * round(WIDTH * step.kept / most[step.unit])
        lost = f"−{step.removed}" if step.removed else ""
        lines.append(
            f"{step.name:<16} {step.kept:>8} {lost:>7}  {bar:<{WIDTH}}  {step.unit}: {step.reason}"
        )
    return "\n".join(lines)


def write(dropped: Sequence[Dropped], path: Path) -> None:
    """One dropped row a line."""
    with path.open("w", encoding="utf-8") as file:
        for row in dropped:
            file.write(json.dumps(asdict(row), ensure_ascii=False) + "\n")


def read(path: Path) -> list[Dropped]:
    """What write() wrote. Raises TranscriptError when the file is not there or damaged."""
    try:
        lines = path.read_text("utf-8").splitlines()
        return [Dropped(**json.loads(line)) for line in lines if line]
    except FileNotFoundError:
        raise TranscriptError(f"{path}: this run kept no list of dropped rows.") from None
    except (OSError, ValueError, TypeError) as error:
        raise TranscriptError(f"{path}: cannot be read ({error}).") from error
