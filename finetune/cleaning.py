"""Conversations as exported → rows fit to learn from, with a count and a reason for every loss."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from finetune import balance, best_reply, boilerplate, filters
from finetune.anonymous import anonymous
from finetune.best_reply import Rejected
from finetune.contradiction import Contradictions
from finetune.documents import Documents
from finetune.errors import DatasetError
from finetune.funnel import Dropped, Ledger, Step
from finetune.pairs import Pair, pairs
from finetune.put_back import PutBack
from finetune.settings import FinetuneSettings
from finetune.survey import Survey
from finetune.transcripts import Layouts, Report, read
from finetune.transcripts.conversation import Conversation, Turn
from knowledge.database import Database


@dataclass(frozen=True, slots=True)
class Cleaned:
    """What all steps left, and how it came to that. All texts are masked."""

    pairs: tuple[Pair, ...]
    rejected: tuple[Rejected, ...]  # runner-ups, with the reply that was better
    dropped: tuple[Dropped, ...]
    funnel: tuple[Step, ...]
    compared: int = 0  # replies with an amount on which the documents have something to say


def clean(
    conversations: Iterable[Conversation],
    languages: frozenset[str] | None,
    settings: FinetuneSettings | None = None,
    put_back: frozenset[str] = frozenset(),
    documents: Documents | None = None,
) -> Cleaned:
    """Run every step in order; `languages` None keeps all, `put_back` are ids of dropped rows.

    Without `documents` no reply is compared with any.

    Conversations are masked one by one as they are read, so that no step, no list of dropped
    rows and no two conversations at a time see personal data. Raises DatasetError for a setting
    out of range.
    """
    share = (settings or FinetuneSettings()).speaker_share
    if not 0 < share <= 1:
        raise DatasetError(f"finetune.speaker_share must be above 0 and at most 1, not {share}.")
    counts = Counts()
    talks = list(_prepared(conversations, counts))
    before, after, phrases = boilerplate.trim(talks)
    reason = f"greetings and {phrases} stock phrases"
    steps = [*counts.steps(), Step("boilerplate", after, before - after, "characters", reason)]
    ledger = Ledger(pairs(talks), put_back, steps)
    silent = len(talks) - len({pair.conversation for pair in ledger.rows})
    steps += [
        Step("answered", len(talks) - silent, silent, "conversations", "an agent still replies"),
        Step("replies", len(ledger.rows), 0, "replies", "of agents to customers"),
    ]
    rejected = _judged(ledger)
    compared = _filtered(ledger, languages, share, documents)
    return Cleaned(
        tuple(ledger.rows), rejected, tuple(ledger.dropped), tuple(ledger.steps), compared
    )


def cleaned(
    home: Path,
    paths: Sequence[Path],
    languages: frozenset[str] | None,
    settings: FinetuneSettings,
    report: Report,
    given: Mapping[str, str],
    watch: Survey | None = None,
    documents: Documents | None = None,
) -> Cleaned:
    """Read and clean with what the home remembers: mappings, and rows that were put back.

    A home without a database is not made for it, unless a mapping is to be remembered. Raises
    TranscriptError, DatasetError.
    """
    path, survey = home / "zhike.db", watch or Survey()
    if not path.exists() and not given:
        read_in = survey.of(read(paths, report, tell=survey.found, seen=survey.seen))
        return clean(read_in, languages, settings, documents=documents)
    database = Database(path)
    try:
        put_back, layouts = PutBack(database).ids(), Layouts(database)
        read_in = survey.of(
            read(paths, report, given=given, layouts=layouts, tell=survey.found, seen=survey.seen)
        )
        return clean(read_in, languages, settings, put_back, documents)
    finally:
        database.close()


def cleaned_lessons(
    home: Path,
    conversations: Iterable[Conversation],
    languages: frozenset[str] | None,
    settings: FinetuneSettings,
    documents: Documents | None = None,
) -> Cleaned:
    """The same for conversations that are here already. Raises DatasetError."""
    database = Database(home / "zhike.db")
    try:
        put_back = PutBack(database).ids()
        return clean(conversations, languages, settings, put_back, documents)
    finally:
        database.close()


def _judged(ledger: Ledger) -> tuple[Rejected, ...]:
    """By outcome, then once each; returns who lost against whom."""
    ledger.drop("satisfaction", "unhappy", best_reply.unhappy)
    ledger.drop("next turn", "not-helped", best_reply.unhelpful)
    ledger.drop("information", "uninformative", best_reply.uninformative)
    ledger.drop("duplicates", "duplicate", filters.repeated)
    ledger.drop("near-duplicates", "near-duplicate", filters.nearly_repeated)
    rows = list(ledger.rows)
    better = best_reply.runners_up(rows)
    number = {id(pair): i for i, pair in enumerate(rows)}
    lost = ledger.drop("best reply", "runner-up", lambda found: set(better))
    won = ((rows[better[number[id(pair)]]], pair) for pair in lost)
    return tuple(
        Rejected(w.question, w.reply, pair.reply, w.language, w.conversation, pair.conversation)
        for w, pair in won
    )


def _filtered(
    ledger: Ledger,
    languages: frozenset[str] | None,
    share: float,
    documents: Documents | None,
) -> int:
    """Returns how many rows could be compared with the documents."""
    ledger.drop("language", "language", partial(filters.foreign, languages=languages))
    ledger.drop("too short", "too-short", filters.too_short)
    ledger.drop("too long", "too-long", filters.too_long)
    ledger.drop("abuse", "abuse", filters.abusive)
    ledger.drop("promises", "promise", filters.promising)
    ledger.drop("secrets", "secret", filters.secret)
    ledger.drop("placeholders", "invented-data", filters.inventing)
    compare = Contradictions(documents) if documents else None
    ledger.drop("documents", "contradicts", compare or _nothing)
    ledger.drop("issues", "crowded", balance.crowded)
    ledger.drop("one person", "speaker-share", partial(balance.dominated, share=share))
    return compare.compared if compare else 0


def _nothing(rows: Sequence[Pair]) -> set[int]:
    """There is nothing to compare with."""
    return set()


class Counts:
    """What the steps on single conversations did, added up while they are read."""

    def __init__(self) -> None:
        self.conversations = 0
        self.turns: Counter[str] = Counter()  # said, without notes, merged
        self.characters: Counter[str] = Counter()  # before and after signatures went
        self.masked: Counter[str] = Counter()

    def steps(self) -> list[Step]:
        said, people, merged = (self.turns[k] for k in ("said", "people", "merged"))
        before, after = self.characters["before"], self.characters["after"]
        kinds = ", ".join(f"{kind} {n}" for kind, n in sorted(self.masked.items())) or "none"
        return [
            Step("read", self.conversations, 0, "conversations", "as exported"),
            Step("notes", people, said - people, "turns", "written by the help desk itself"),
            Step("signatures", after, before - after, "characters", "and quoted mail"),
            Step("merging", merged, people - merged, "turns", "joined to the same speaker's"),
            Step("personal data", merged, self.masked.total(), "places", f"masked: {kinds}"),
        ]


def _prepared(conversations: Iterable[Conversation], counts: Counts) -> Iterator[Conversation]:
    """Without notes, signatures and quoted mail; merged and masked."""
    for conversation in conversations:
        people = [turn for turn in conversation.turns if turn.speaker != "note"]
        bare = [replace(turn, text=boilerplate.unquoted(turn.text)) for turn in people]
        merged = _merged([turn for turn in bare if turn.text])
        counts.conversations += 1
        counts.turns.update(said=len(conversation.turns), people=len(people), merged=len(merged))
        counts.characters.update(
            before=sum(len(turn.text) for turn in people), after=sum(len(t.text) for t in bare)
        )
        yield anonymous(replace(conversation, turns=tuple(merged)), counts.masked)


def _merged(turns: Sequence[Turn]) -> list[Turn]:
    """Consecutive turns of one speaker become one, a line each."""
    result: list[Turn] = []
    for turn in turns:
        last = result[-1] if result else None
        if last and (last.speaker, last.context) == (turn.speaker, turn.context):
            result[-1] = replace(last, text=f"{last.text}\n{turn.text}")
        else:
            result.append(turn)
    return result
