"""Marked texts are read, aligned with tokens, learnt, and measured by exact spans."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from chatbot.models import find
from chatbot.spans import Span
from finetune.errors import DatasetError
from finetune.spans import Marked, joined, read, scores
from finetune.tagger import align, bio, spans, tags, tokenizer_of
from finetune.tagger_run import split


@pytest.fixture(scope="module")
def tokenizer(packaged: Path) -> Any:
    return tokenizer_of(find(packaged, "all-MiniLM-L6-v2"))


CASES = [
    Marked("Table for 5 at 13:30, please", (Span(10, 11, "people"), Span(15, 20, "time"))),
    Marked("I am Grzegorz Brzęczyszczykiewicz.", (Span(5, 33, "name"),)),  # many pieces a word
    Marked("明天下午三点两个人", (Span(0, 6, "time"), Span(6, 9, "people"))),
    Marked("Anna Bo", (Span(0, 4, "name"), Span(5, 7, "name"))),  # two of a kind, side by side
    Marked("13", (Span(0, 2, "time"),), "time people"),
    Marked("nothing here", ()),
]


@pytest.mark.parametrize("marked", CASES, ids=lambda case: case.text)
def test_tags_and_back_are_the_same_spans(tokenizer: Any, marked: Marked) -> None:
    aligned = align(tokenizer, marked)
    given = bio(aligned, marked.spans)
    assert spans(aligned, given) == marked.spans
    assert sum(tag.startswith("B-") for tag in given) == len(marked.spans)
    assert set(given) <= set(tags([span.kind for span in marked.spans]))


def test_every_word_stands_at_its_first_token_and_none_in_the_context(tokenizer: Any) -> None:
    marked = Marked("13 unbelievablenesses", (), "time")
    aligned = align(tokenizer, marked)
    pieces = tokenizer.convert_ids_to_tokens(list(aligned.ids))
    assert [(pieces[at], marked.text[a:b]) for at, a, b in aligned.words] == [
        ("13", "13"),
        ("unbelievable", "unbelievablenesses"),
    ]
    assert "time" in pieces and pieces.index("time") not in {at for at, _, _ in aligned.words}
    assert [aligned.types[at] for at, _, _ in aligned.words] == [1, 1]


def test_inside_without_a_beginning_begins(tokenizer: Any) -> None:
    aligned = align(tokenizer, Marked("a b c d", ()))
    found = spans(aligned, ["I-x", "I-x", "I-y", "O"])
    assert found == (Span(0, 3, "x"), Span(4, 5, "y"))
    assert joined([("a", "I-x"), ("b", "I-x"), ("c", "I-y"), ("d", "O")]).spans == found


def test_the_layouts_say_the_same(tmp_path: Path) -> None:
    file = tmp_path / "data"
    expected = [
        Marked("Anna Bo calls", (Span(0, 7, "name"),)),
        Marked("at 5", (Span(3, 4, "time"),)),
    ]
    plain: list[dict[str, Any]] = [
        {"text": "Anna Bo calls", "spans": [{"start": 0, "end": 8, "label": "name"}]},
        {"text": "at 5", "spans": [{"start": 3, "end": 4, "label": "time"}]},
    ]
    restaurant: list[dict[str, Any]] = [
        {
            "userInput": {"text": row["text"]},
            "labels": [
                {"slot": s["label"], "valueSpan": {"startIndex": s["start"], "endIndex": s["end"]}}
                for s in row["spans"]
            ],
        }
        for row in plain
    ]
    del restaurant[0]["labels"][0]["valueSpan"]["startIndex"]
    for text in (
        "Anna\tB-name\nBo\tI-name\ncalls\tO\n\nat\tO\n5\tB-time\n",
        json.dumps(plain),
        "\n".join(map(json.dumps, plain)),
        json.dumps(restaurant),
    ):
        file.write_text(text, encoding="utf-8")
        assert read(file) == expected
    restaurant[1]["context"] = {"requestedSlots": ["time"]}
    file.write_text(json.dumps(restaurant), encoding="utf-8")
    assert read(file)[1].context == "time"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Anna\tX-name\n", "line 1 is not a word with a BIO tag"),
        ('[{"text": "a", "spans": [{"start": 0, "end": 9, "label": "x"}]}]', "row 1 is not a text"),
        ('{"text": "a"}\n{"text"', "line 2 is not JSON"),
        ("Anna\tO\n", "no marked span"),
        ("", "no marked span"),
        ('{"text": "a", "spans": [{"start": 0, "end": 1, "label": " "}]}', "a label has 1 to 64"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_sentence(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "data").write_text(text, encoding="utf-8")
    with pytest.raises(DatasetError, match=said):
        read(tmp_path / "data")


def test_only_exact_spans_count() -> None:
    expected = [(Span(0, 4, "name"), Span(5, 7, "time")), (Span(0, 1, "time"),)]
    found = [(Span(0, 4, "name"), Span(5, 6, "time"), Span(8, 9, "name")), ()]
    report = scores(expected, found)
    assert (report["precision"], report["recall"], report["f1"]) == (0.3333, 0.3333, 0.3333)
    assert report["by_type"]["name"] == {
        "precision": 0.5,
        "recall": 1.0,
        "f1": 0.6667,
        "support": 1,
    }
    assert report["by_type"]["time"]["f1"] == 0 and report["by_type"]["time"]["support"] == 2


def test_too_few_texts_are_refused(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("Anna\tB-name\n", encoding="utf-8")
    with pytest.raises(DatasetError, match="too few"):
        split(read(tmp_path / "data"))
