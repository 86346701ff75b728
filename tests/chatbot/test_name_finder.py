"""Names of a list in what people write: spellings, slips, both scripts, and what is none."""

from __future__ import annotations

import csv
import json
import random
from itertools import pairwise
from pathlib import Path

import pytest

from chatbot.listed_names import ListedNames
from chatbot.name_finder import LOOKED_AT, Name, NameFinder

SAMPLES = Path(__file__).parents[2] / "samples"
NAMES = (
    Name("product", "K2 Yun Pro", ("K2", "K2 云 Pro")),
    Name("product", "K1 Yun", ("K1", "云壶")),
    Name("product", "盖碗", ("gaiwan",)),
    Name("product", "紫砂壶", ("Yixing pot",)),
    Name("product", "龙井", ("西湖龙井",)),
    Name("product", "铁观音"),
    Name("product", "Moon Kettle"),
    Name("product", "Cloud"),
    Name("product", "tray"),
    Name("place", "杭州", ("Hangzhou",)),
    Name("place", "海南"),
    Name("place", "Café Lindenhof"),
)


@pytest.fixture(scope="module")
def finder() -> NameFinder:
    return NameFinder(NAMES)


def _said(finder: NameFinder, text: str) -> str:
    return ", ".join(f"{f.text}={f.name.name}" for f in finder.found(text))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("does the k2 yun pro leak?", "k2 yun pro=K2 Yun Pro"),
        ("my K2, not the K1", "K2=K2 Yun Pro, K1=K1 Yun"),
        ("Ｋ２坏了", "Ｋ２=K2 Yun Pro"),
        ("K-2 or K1?", "K-2=K2 Yun Pro, K1=K1 Yun"),
        ("K2「云Pro」多少钱", "K2「云Pro=K2 Yun Pro"),
        ("two gaiwans and Yixing pots", "gaiwans=盖碗, Yixing pots=紫砂壶"),
        ("the moonkettle, a gai wan", "moonkettle=Moon Kettle, gai wan=盖碗"),
        ("想買紫砂壺和西湖龍井", "紫砂壺=紫砂壶, 西湖龍井=龙井"),
        ("do you have longjing and tie guan yin", "longjing=龙井, tie guan yin=铁观音"),
        ("at the cafe lindenhof", "cafe lindenhof=Café Lindenhof"),
        ("杭州市有店吗", "杭州=杭州"),
    ],
)
def test_a_name_is_found_however_it_is_written(finder: NameFinder, text: str, found: str) -> None:
    assert _said(finder, text) == found
    assert all(one.exact for one in finder.found(text))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("the moon kettel is broken", "moon kettel=Moon Kettle"),
        ("a Yixng pot from hangzou", "Yixng pot=紫砂壶, hangzou=杭州"),
        ("gaiwann", "gaiwann=盖碗"),
        ("新买的紫沙壶有味道", "紫沙壶=紫砂壶"),
        ("貼觀音還有嗎", "貼觀音=铁观音"),
    ],
)
def test_a_slip_is_read_as_meant(finder: NameFinder, text: str, found: str) -> None:
    assert _said(finder, text) == found
    assert not any(one.exact for one in finder.found(text))


@pytest.mark.parametrize(
    "text",
    [
        "a K20, a K3 and in k 2 days",  # another number is another thing
        "I like the moon. Kettle is broken",  # two sentences
        "the cloud service is down",  # an everyday word without its capital
        "the moon cattle",  # an everyday word is no slip for another
        "把盖完的盖子拿下来",  # 盖完 sounds like 盖碗
        "上海南站怎么走",  # 海南 across two words
        "[K_2] and [MOON_KETTLE_1]",  # placeholders of masked data
        "",
        "🫖🫖",
        "\x00\x07",
    ],
)
def test_what_only_looks_like_a_name_is_none(finder: NameFinder, text: str) -> None:
    assert _said(finder, text) == ""


def test_a_capital_counts_for_an_everyday_word(finder: NameFinder) -> None:
    assert _said(finder, "my Cloud, on a tray") == "Cloud=Cloud, tray=tray"


def test_a_slip_for_two_names_is_left_alone() -> None:
    both = NameFinder([Name("product", "Yunlan"), Name("product", "Yunlai")])
    assert _said(both, "yunlas") == ""
    assert _said(both, "yunlan yunlaii") == "yunlan=Yunlan, yunlaii=Yunlai"


def test_a_long_message_is_read_up_to_a_bound(finder: NameFinder) -> None:
    assert _said(finder, "x " * LOOKED_AT + "K2") == ""
    assert len(finder.found("K2 " * 2_000)) == LOOKED_AT // 3


def test_texts_of_any_characters_are_read(finder: NameFinder) -> None:
    drawn = random.Random(7)
    letters = "K2云盖碗gaiwan moon-kettle「」[]_1\u0301\u3000\ufeff龍紫砂壺é🫖\n,。"
    for _ in range(300):
        text = "".join(drawn.choices(letters, k=drawn.randrange(60)))
        spans = [(one.start, one.end) for one in finder.found(text)]
        assert all(text[f.start : f.end] == f.text for f in finder.found(text))
        assert all(a[1] <= b[0] for a, b in pairwise(spans))


def test_an_empty_list_finds_nothing() -> None:
    assert NameFinder(()).found("K2") == []


def test_the_sample_list_finds_no_more_than_was_read_by_a_person() -> None:
    """All that is found in the golden questions, by what was written; each was looked at."""
    finder = NameFinder(ListedNames(SAMPLES / "entities.csv").all())
    lines = (SAMPLES / "golden.jsonl").read_text("utf-8").splitlines()
    found = {
        f.text.lower(): f.name.name
        for line in lines
        for f in finder.found(json.loads(line)["question"])
    }
    assert len(found) >= 20
    wrong = {text: name for text, name in found.items() if text not in _spellings()}
    assert wrong == {}


def _spellings() -> set[str]:
    with (SAMPLES / "entities.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    listed = {s.lower() for row in rows for s in (row["name"], *row["also"].split("|"))}
    return listed | {f"{one}s" for one in listed} | {"云pro", "k2云pro", "紫砂壺", "鐵觀音"}
