"""The sample shop: enough of everything, readable by the product, and not asked twice."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from chatbot.evaluate import Question
from chatbot.evaluate import read as read_questions
from finetune.transcripts import BadRow, Conversation, read
from knowledge.calibrate import holds
from knowledge.keywords import terms
from knowledge.language import language
from knowledge.load import load
from knowledge.types import Parsed

SAMPLES = Path(__file__).parents[1] / "samples"
KNOWLEDGE, TRANSCRIPTS = SAMPLES / "knowledge", SAMPLES / "transcripts"
LANGUAGES = {"en": "en", "zh": "zh-Hans"}  # folder → language
FORMATS = ({".md"}, {".html"}, {".pdf"}, {".docx"}, {".csv", ".xlsx"})
ALIKE = 0.6  # Jaccard index of two questions' terms from which on they count as the same
FILES = ("golden.jsonl", "calibration.jsonl", "hard.jsonl")


@cache
def documents() -> dict[str, Parsed]:
    """Every sample document as the product reads it, by its path in the knowledge folder."""
    files = sorted(path for path in KNOWLEDGE.rglob("*") if path.is_file())
    return {path.relative_to(KNOWLEDGE).as_posix(): load(path) for path in files}


@cache
def conversations() -> dict[str, tuple[Conversation, ...]]:
    """By file name; no row may be bad."""
    bad: list[BadRow] = []
    found = {p.name: tuple(read([p], bad.append)) for p in sorted(TRANSCRIPTS.iterdir())}
    assert bad == []
    return found


@cache
def questions(name: str) -> tuple[Question, ...]:
    return tuple(read_questions(SAMPLES / name))


def _text(parsed: Parsed) -> str:
    """All that can be found and quoted: blocks and approved answers, without headings."""
    return "\n".join([*(b.text for b in parsed.blocks), *(f.answer for f in parsed.faqs)])


def _of(folder: str) -> dict[str, Parsed]:
    return {name: parsed for name, parsed in documents().items() if name.startswith(f"{folder}/")}


@pytest.mark.parametrize("folder", LANGUAGES)
def test_documents_of_every_format(folder: str) -> None:
    endings = Counter(Path(name).suffix for name in _of(folder))
    assert endings.total() >= 15
    for group in FORMATS:
        assert sum(endings[ending] for ending in group) >= 1, group


def test_every_document_has_text_a_title_and_no_warning() -> None:
    for name, parsed in documents().items():
        assert parsed.title.strip() and parsed.warnings == (), name
        assert language(_text(parsed)) == LANGUAGES[name.split("/")[0]], name


@pytest.mark.parametrize("folder", LANGUAGES)
def test_approved_answers_with_further_phrasings(folder: str) -> None:
    pairs = [pair for parsed in _of(folder).values() for pair in parsed.faqs]
    assert len(pairs) >= 40
    for pair in pairs:
        assert len({*pair.phrasings} - {pair.question}) >= 2, pair.question
        assert pair.answer.strip()
    assert len({pair.question for pair in pairs}) == len(pairs)


@pytest.mark.parametrize("code", LANGUAGES.values())
def test_transcripts_in_two_formats(code: str) -> None:
    files = {
        name: [c for c in found if c.language == code] for name, found in conversations().items()
    }
    enough = {name: found for name, found in files.items() if len(found) >= 10}
    assert sum(map(len, enough.values())) >= 60
    assert {Path(name).suffix for name in enough} == {".csv", ".jsonl"}


def test_transcripts_have_two_sides_and_ids_of_their_own() -> None:
    every = [c for found in conversations().values() for c in found]
    assert len({(c.source, c.id) for c in every}) == len(every)
    for conversation in every:
        assert any(turn.speaker == "customer" for turn in conversation.turns)
    both = [c for c in every if any(turn.speaker == "agent" for turn in c.turns)]
    assert len(both) >= 0.9 * len(every)


@pytest.mark.parametrize("code", LANGUAGES.values())
def test_a_third_of_the_golden_questions_has_no_answer(code: str) -> None:
    own = [q for q in questions("golden.jsonl") if q.language == code]
    assert len(own) >= 100
    assert abs(sum(not q.answerable for q in own) - len(own) / 3) <= 3


@pytest.mark.parametrize("name", FILES)
def test_labels_are_complete(name: str) -> None:
    for number, line in enumerate((SAMPLES / name).read_text("utf-8").splitlines(), 1):
        row = json.loads(line)
        where = f"{name}:{number}"
        assert row["question"].strip() and isinstance(row["answerable"], bool), where
        assert isinstance(row["documents"], list) and isinstance(row["facts"], list), where
        assert all(isinstance(f, list) and f and all(map(str.strip, f)) for f in row["facts"]), (
            where
        )
        assert bool(row["documents"]) is bool(row["facts"]) is row["answerable"], where


@pytest.mark.parametrize("name", FILES)
def test_labels_name_existing_documents(name: str) -> None:
    missing = {q.id: set(q.documents) - documents().keys() for q in questions(name)}
    assert {id_: names for id_, names in missing.items() if names} == {}


def test_every_fact_stands_in_every_document_that_is_listed() -> None:
    missing = [
        (question.id, name, fact)
        for question in questions("golden.jsonl")
        for name in question.documents
        for fact in question.facts
        if not holds(_text(documents()[name]), fact)
    ]
    assert missing == []


def test_ids_are_unique_over_all_files() -> None:
    counts = Counter(q.id for name in FILES for q in questions(name))
    assert [id_ for id_, count in counts.items() if count > 1] == []


@dataclass(frozen=True, slots=True)
class Seen:
    """A question that was used to write, tune or train something."""

    where: str
    text: str
    terms: frozenset[str]


def _seen() -> Iterator[Seen]:
    for name, parsed in documents().items():
        for pair in parsed.faqs:
            for text in (pair.question, *pair.phrasings):
                yield Seen(name, text, frozenset(terms(text)))
    for name, found in conversations().items():
        for conversation in found:
            for turn in conversation.turns:
                if turn.speaker == "customer":
                    yield Seen(f"{name} {conversation.id}", turn.text, frozenset(terms(turn.text)))
    for question in questions("calibration.jsonl"):
        yield Seen(question.id, question.question, frozenset(terms(question.question)))
    for path in sorted((SAMPLES / "answerability").glob("*.jsonl")):
        for line in path.read_text("utf-8").splitlines():
            for asked in json.loads(line)["questions"]:
                yield Seen(path.name, asked["text"], frozenset(terms(asked["text"])))


def test_no_golden_question_was_seen_before() -> None:
    """Otherwise the score measures memory."""
    known = list(_seen())
    assert len(known) > 11_000
    repeated = []
    for question in questions("golden.jsonl"):
        own = frozenset(terms(question.question))
        for seen in known:
            if own and len(own & seen.terms) >= ALIKE * len(own | seen.terms):
                repeated.append(f"{question.id} {question.question!r} ~ {seen.where} {seen.text!r}")
    assert repeated == [], "\n".join(["", *repeated])
