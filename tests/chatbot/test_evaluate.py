"""Golden questions in, judged answers and counts out."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from chatbot.app import App
from chatbot.errors import ChatbotError
from chatbot.evaluate import Outcome, Question, ask, labelled, read, summary
from chatbot.phrases import phrase
from chatbot.types import Action, Citation, Intent, Reply
from tests.chatbot.conftest import passage

GOLDEN = [
    {
        "id": "en-1",
        "language": "en",
        "question": "and the K2?",
        "answerable": True,
        "history": [
            {"role": "user", "text": "How long is the warranty of the K1 kettle?"},
            {"role": "assistant", "text": "24 months."},
        ],
        "documents": ["kettle.md"],
        "facts": [["36 months", "three years"]],
    },
    {
        "id": "en-2",
        "language": "en",
        "question": "Can I return an unused kettle?",
        "answerable": True,
        "documents": ["returns.md"],
        "facts": [["14 days"]],  # wrong on purpose
    },
    {"id": "en-3", "language": "en", "question": "Do you sell bicycles?", "answerable": False},
    {
        "id": "zh-1",
        "language": "zh-Hans",
        "question": "普通快递运费多少钱？",
        "answerable": True,
        "documents": ["zh/shipping.md"],
        "facts": [["10元"], ["99 元"]],
    },
]


def write(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


@pytest.fixture
def golden(tmp_path: Path) -> Path:
    rows = [json.dumps(row, ensure_ascii=False) for row in GOLDEN]
    return write(tmp_path / "golden.jsonl", *rows[:2], "", *rows[2:])


def test_read(golden: Path) -> None:
    questions = read(golden)
    assert [q.id for q in questions] == ["en-1", "en-2", "en-3", "zh-1"]
    assert questions[0].history[1] == ("assistant", "24 months.")
    assert questions[0].facts == (("36 months", "three years"),)
    assert not (questions[2].documents or questions[2].facts or questions[2].history)


@pytest.mark.parametrize(
    "line",
    [
        "not json",
        '{"id": "1", "language": "en", "question": "?"}',
        "[1, 2]",
        '{"id": "1", "language": "en", "question": "?", "answerable": true, "facts": 3}',
        '{"id": "1", "language": "en", "question": "?", "answerable": true, "history": ["hi"]}',
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, line: str) -> None:
    path = write(tmp_path / "golden.jsonl", json.dumps(GOLDEN[2]), "", line)
    with pytest.raises(ChatbotError, match=r"golden\.jsonl:3: not a golden question"):
        read(path)


def test_no_questions_and_no_file_are_named(tmp_path: Path) -> None:
    with pytest.raises(ChatbotError, match=r"empty\.jsonl: .*no questions"):
        read(write(tmp_path / "empty.jsonl", ""))
    with pytest.raises(ChatbotError, match=r"gone\.jsonl: .*cannot be read"):
        read(tmp_path / "gone.jsonl")


def test_the_counts(app: App, golden: Path) -> None:
    outcomes = [ask(app, question) for question in read(golden)]
    told = summary(outcomes)
    english = dict(told["by_language"]["en"])
    assert english.pop("auroc") == 1.0 and 0 <= english.pop("calibration_error") < 0.5
    assert 0 < english.pop("calibration_error_by_chance") < 0.5
    assert english == {
        "answerable": 2,
        "unanswerable": 1,
        "answered_right": 0.5,
        "abstained_right": 1.0,
        "abstained_wrong": 0.0,
        "supported": 1.0,
        "facts_right_when_answered": 0.5,
        "document_right_when_answered": 1.0,
    }
    chinese = told["by_language"]["zh-Hans"]
    assert (chinese["answered_right"], chinese["abstained_right"]) == (1.0, None)
    assert chinese["auroc"] is None and chinese["calibration_error"] is None  # one kind alone
    assert told["confusion"] == {
        "answerable": {"answered": 2, "answered wrongly": 1},
        "unanswerable": {"abstained": 1},
    }
    (worst,) = told["worst"]
    assert (worst["id"], worst["wanted"], worst["cited"]) == ("en-2", ["14 days"], ["returns.md"])
    assert told["median_characters"] > 0 and told["p50_ms"] > 0
    json.dumps(told)


def outcome(text: str, action: Action = Action.QUOTE, language: str = "en") -> Outcome:
    source = passage(
        "An unused kettle can be returned within 30 days. Code: E1 | Meaning: dry boil"
    )
    cited = Citation.of(source, "An unused kettle can be returned within 30 days.", 0.9)
    reply = Reply("r", "s", text, action, language, Intent("return", 0.9), (cited,), 0.9)
    question = Question("1", "en", "?", True, (), ("1.md",), (("30 days",),))
    return Outcome(question, reply, 1.0)


@pytest.mark.parametrize(
    ("text", "action", "supported"),
    [
        ("An unused kettle can be returned within 30 days.", Action.QUOTE, True),
        ("- Code: E1 · Meaning: dry boil", Action.QUOTE, True),
        ("You can return an unused kettle within 30 days.", Action.ANSWER, True),
        ("You can return an unused kettle within 30 days.", Action.QUOTE, False),
        ("You can return an unused kettle within 60 days.", Action.ANSWER, False),
        ("An unused kettle cannot be returned within 30 days.", Action.ANSWER, False),
        (
            "An unused kettle can be returned within 30 days. We also sell bicycles.",
            Action.ANSWER,
            False,
        ),
    ],
)
def test_an_invented_sentence_is_not_supported(text: str, action: Action, supported: bool) -> None:
    assert outcome(text, action).supported is supported


def test_the_introduction_of_a_quote_is_nobodys_claim() -> None:
    text = "An unused kettle can be returned within 30 days."
    introduced = f"{phrase('other_language', 'zh-Hans')}\n{text}"
    assert outcome(introduced, language="zh-Hans").supported


def test_right_needs_the_facts_the_document_and_an_answer() -> None:
    good = outcome("An unused kettle can be returned within 30 days.")
    assert good.right and good.facts_right and good.cited_right
    assert not outcome("An unused kettle can be returned.").right
    elsewhere = replace(good, question=replace(good.question, documents=("2.md",)))
    assert elsewhere.facts_right and not elsewhere.right
    abstained = replace(good, reply=replace(good.reply, action=Action.REFUSE))
    assert abstained.abstained and not abstained.right
    unanswerable = replace(good.question, answerable=False)
    assert replace(abstained, question=unanswerable).right
    assert not replace(good, question=unanswerable).right


def test_a_question_back_is_neither_an_answer_nor_an_abstention() -> None:
    good = outcome("An unused kettle can be returned within 30 days.")
    asked = replace(good.reply, action=Action.CLARIFY, text="Do you mean A or B?", citations=())
    shares = summary([good, replace(good, reply=asked)])["by_language"]["en"]
    assert (shares["supported"], shares["answered_right"]) == (1.0, 0.5)
    assert shares["abstained_wrong"] == 0.0


def test_labelled_questions_carry_what_they_lean_on(golden: Path, app: App) -> None:
    first, second, *_ = labelled(read(golden), app.knowledge.spelling)
    assert first.context == "How long is the warranty of the K1 kettle?"
    assert first.query.endswith("and the K2?") and second.context == ""
