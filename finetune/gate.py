"""A run's adapter beside what serves now, on golden questions: what must hold before customers
meet it. Both answer the same questions over the same documents; what the candidate loses is named.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from chatbot.app import App
from chatbot.evaluate import ANSWERED, Outcome, Question, ask
from finetune.errors import NotPromotable
from finetune.registry import Run

WORSE = 0.02  # of the questions that a candidate may lose net: one of fifty
SUPPORTED = 0.99  # of its answers, by what they cite
CASES = 10  # that are kept by name
Watch = Callable[[Iterable[Question]], Iterable[Question]]


@dataclass(frozen=True, slots=True)
class Shares:
    """Of the questions of one side, 0..1; None where there is none of the kind."""

    answered_right: float | None
    abstained_right: float | None
    supported: float | None  # of its answers
    written: float  # share of all replies in which the generator's own sentences were shown


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is kept on the run's card."""

    at: str  # ISO 8601, UTC
    questions: int
    serving: str  # name of what serves now; "quoting" without an adapter
    before: Shares
    candidate: Shares
    lost: tuple[dict[str, str], ...]  # right before, wrong now: id, question, before, candidate
    failed: tuple[str, ...]  # sentences; none: it may be promoted

    def table(self) -> dict[str, Any]:
        """Ready for JSON."""
        return asdict(self)


def measure(
    app: App,
    run: Run,
    questions: Sequence[Question],
    watch: Watch = lambda questions: questions,
) -> Verdict:
    """Ask every question twice. The App's documents and champion are those that count.

    Raises NotPromotable when nothing could be written: no generator, or answers are set to quote.
    """
    if run.state != "done" or run.path is None or run.task != "dialogue":
        raise NotPromotable(f"Run {run.name} is no finished dialogue adapter.")
    if app.generator is None or app.assistant.settings.answers == "quote":
        raise NotPromotable(
            "Nothing is written with these settings (chatbot.generator, chatbot.answers), so an "
            "adapter cannot be measured."
        )
    champion = app.champions.current("dialogue")
    before = [ask(app, question) for question in watch(questions)]
    after = [ask(app, question, adapter=run.path) for question in watch(questions)]
    return judge(before, after, champion.name if champion else "quoting")


def judge(before: Sequence[Outcome], after: Sequence[Outcome], serving: str) -> Verdict:
    """Outcomes of the same questions, in the same order, at least one."""
    old, new = shares(before), shares(after)
    lost = [
        {
            "id": b.question.id,
            "question": b.question.question,
            "before": b.reply.text,
            "candidate": a.reply.text,
        }
        for b, a in zip(before, after, strict=True)
        if b.right and not a.right
    ]
    won = sum(a.right and not b.right for b, a in zip(before, after, strict=True))
    failed = []
    if (len(lost) - won) / len(before) > WORSE:
        failed.append(
            f"It loses {len(lost)} of {len(before)} questions that {serving} gets right and wins "
            f"{won}."
        )
    if new.supported is not None and new.supported < SUPPORTED:
        failed.append(f"Only {new.supported:.0%} of its answers stand in what they cite.")
    dropped = (old.abstained_right or 0.0) - (new.abstained_right or 0.0)
    if dropped > WORSE:
        failed.append(f"It answers {dropped:.0%} more of the questions that nothing answers.")
    if not new.written:
        failed.append("None of its sentences could be shown: it would change nothing.")
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return Verdict(now, len(before), serving, old, new, tuple(lost[:CASES]), tuple(failed))


def shares(outcomes: Sequence[Outcome]) -> Shares:
    """Of one side."""
    answerable = [o.right for o in outcomes if o.question.answerable]
    others = [o.right for o in outcomes if not o.question.answerable]
    answered = [o.supported for o in outcomes if o.reply.action in ANSWERED]
    written = [o.reply.adapter is not None for o in outcomes]
    return Shares(_share(answerable), _share(others), _share(answered), _share(written) or 0.0)


def _share(values: Sequence[bool]) -> float | None:
    return round(sum(values) / len(values), 4) if values else None
