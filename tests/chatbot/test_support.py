"""How far passages support a reply: bent ones are found, small changes of wording are not."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from chatbot.errors import ChatbotError
from chatbot.labelled_replies import read, scores
from chatbot.support import NOTHING, SUPPORTED, changed, support

DATA = Path(__file__).parents[1] / "data" / "grounding_zh.jsonl"
SHARED = os.environ.get("ZHIKE_TEST_DATA", "")
RETURNS = (
    "An unused kettle can be returned within 30 days of receipt. Opened tea cannot be returned. "
    "Shipping costs 10 yuan and is free from 99 yuan."
)
退货 = (
    "未使用的水壶可以在签收后 30 天内退货。已开封的茶叶不能退货。普通快递运费 10 元，满 99 元包邮。"
)


@pytest.mark.parametrize(
    ("evidence", "reply"),
    [
        (RETURNS, "You can return an unused kettle within 30 days of receipt."),
        (RETURNS, "Yes, an unused kettle can be returned within 30 days."),
        (RETURNS, "Opened tea can't be returned."),
        (退货, "您好，未使用的水壶可以在签收后 30 天内退。"),
        (退货, "是的，普通快递运费 10 元，满 99 元就包邮。"),
    ],
)
def test_what_the_passages_say_is_supported(evidence: str, reply: str) -> None:
    assert support([evidence], reply)[0] >= SUPPORTED


@pytest.mark.parametrize(
    ("evidence", "reply"),
    [
        (RETURNS, "An unused kettle can be returned within 60 days of receipt."),
        (RETURNS, "An unused kettle cannot be returned within 30 days of receipt."),
        (RETURNS, "Opened tea can be returned."),
        (RETURNS, "A used bicycle can be returned within 30 days of receipt."),
        (RETURNS, "Our founder loves mountain biking in Bavaria."),
        (RETURNS, "Shipping costs 99 yuan and is free from 10 yuan."),
        (退货, "未使用的水壶可以在签收后 60 天内退货。"),
        (退货, "未使用的水壶不可以在签收后 30 天内退货。"),
        (退货, "已开封的茶叶能退货。"),
        (退货, "未使用的水壶可以在签收后 30 天外退货。"),
        (退货, "普通快递运费 99 元，满 10 元包邮。"),
    ],
)
def test_what_is_bent_is_not(evidence: str, reply: str) -> None:
    assert support([evidence], reply)[0] < SUPPORTED


def test_one_bent_sentence_lowers_a_long_reply() -> None:
    true = (
        "An unused kettle can be returned within 30 days of receipt. Opened tea cannot be returned."
    )
    bent = true.replace("cannot", "can")
    assert support([RETURNS], bent)[0] < support([RETURNS], true)[0]


@pytest.mark.parametrize("reply", ["", "!!!", "I don't know.", "我不清楚。"])
def test_who_claims_nothing_is_in_the_middle(reply: str) -> None:
    assert support([RETURNS], reply)[0] == NOTHING


def test_without_passages_nothing_is_supported() -> None:
    assert support([], "Opened tea cannot be returned.")[0] < 0.1


def test_the_reason_is_named() -> None:
    assert changed("30 天内退货", "7 天内退货") == "30 stands where the passage has 7"
    assert "negates" in changed("茶叶能退货", "茶叶不能退货")
    assert "condition" in changed("发货之后可以取消", "发货之前可以取消")
    assert changed("茶叶无法退货", "茶叶不能退货") == ""


def test_our_own_set() -> None:
    """Of documents that nobody looked at while the weights were set, too."""
    held_out = [json.loads(line)["held_out"] for line in DATA.read_text("utf-8").splitlines()]
    pairs = read(DATA)
    for chosen in (pairs, [p for p, out in zip(pairs, held_out, strict=True) if out]):
        report = scores(chosen)
        assert report["f1"] >= 0.88, report
        assert report["found"]["number"] >= 0.99, report
        assert report["auroc"] > report["auroc_containment"] + 0.05


@pytest.mark.skipif(not SHARED, reason="ZHIKE_TEST_DATA is not set")
def test_replies_that_people_judged() -> None:
    report = scores(read(Path(SHARED) / "grounding" / "begin_en" / "pairs.jsonl"))
    assert report["pairs"] == 2026 and report["auroc"] >= 0.83, report
    graded = scores(read(Path(SHARED) / "grounding" / "mtrag_judged_en" / "pairs.jsonl"))
    assert graded["auroc"] is None and graded["spearman"] >= 0.63, graded


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("{", "line.jsonl:2"),
        ('{"evidence": "text", "reply": "a", "supported": 1}', "evidence"),
        ('{"evidence": [], "reply": 5, "supported": 1}', "reply"),
        ('{"evidence": [], "reply": "a"}', "score"),
        ('{"evidence": [], "reply": "a", "supported": 3}', "neither 0 nor 1"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, line: str, why: str) -> None:
    path = tmp_path / "line.jsonl"
    path.write_text('{"evidence": ["a"], "reply": "a", "supported": 1}\n' + line + "\n", "utf-8")
    with pytest.raises(ChatbotError, match=why):
        read(path)


def test_no_file_no_pairs(tmp_path: Path) -> None:
    with pytest.raises(ChatbotError, match="no such file"):
        read(tmp_path / "none.jsonl")
    (tmp_path / "empty.jsonl").write_text("\n")
    with pytest.raises(ChatbotError, match="no pair"):
        read(tmp_path / "empty.jsonl")
