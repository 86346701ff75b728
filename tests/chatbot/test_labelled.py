"""Scores are counted rightly, and files that cannot be read are named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from chatbot.errors import ChatbotError
from chatbot.labelled import Marked, Utterance, languages, marked, personal, utterances
from chatbot.personal_data import Span


def test_languages_counts_by_language_and_names_the_wrong() -> None:
    rows = [
        Utterance("退款", "zh-Hans"),
        Utterance("refund", "zh-Hans"),  # wrongly labelled
        Utterance("danke", "de", configured=("en", "de")),
        Utterance("ok", "zh-Hant", session="zh-Hant"),
    ]
    report = languages(rows, ("zh-Hans", "zh-Hant", "en"))
    assert report["accuracy"] == 0.75
    assert report["by_language"] == {"de": 1.0, "zh-Hans": 0.5, "zh-Hant": 1.0}
    assert report["wrong"] == [{"text": "refund", "language": "zh-Hans", "found": "en"}]


def test_personal_counts_exact_spans() -> None:
    text = "打13812345678，a@b.cn"
    rows = [
        Marked(text, (Span("phone", 1, 12), Span("email", 13, 18))),  # the e-mail is one longer
        Marked("13987654321", ()),
    ]
    report = personal(rows)
    assert report["by_type"]["phone"] == {
        "precision": 0.5,
        "recall": 1.0,
        "f1": 0.6667,
        "rows": 1,
    }
    assert report["by_type"]["email"]["f1"] == 0.0
    assert personal(rows, frozenset({"phone"}))["recall"] == 1.0


def test_a_third_is_held_out() -> None:
    rows = [Utterance(str(i), "en") for i in range(3_000)]
    assert 900 < sum(row.held_out for row in rows) < 1_100


@pytest.mark.parametrize(
    ("content", "words"),
    [("a,b\n1,2\n", "columns text and language"), (None, "there is no such file")],
)
def test_a_bad_file_of_languages(tmp_path: Path, content: str | None, words: str) -> None:
    path = tmp_path / "set.csv"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    with pytest.raises(ChatbotError, match=words):
        utterances(path)


@pytest.mark.parametrize(
    "row",
    ["{", "[]", '{"text": "a"}', {"text": "a", "spans": [{"kind": "x", "start": 0, "end": 9}]}],
)
def test_a_bad_line_of_spans_is_named(tmp_path: Path, row: object) -> None:
    path = tmp_path / "set.jsonl"
    line = row if isinstance(row, str) else json.dumps(row)
    path.write_text('{"text": "a", "spans": []}\n' + line, encoding="utf-8")
    with pytest.raises(ChatbotError, match="line 2: not text and spans"):
        marked(path)
