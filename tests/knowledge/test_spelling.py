"""Mistyped words are read as the documents' words, and nothing else is touched."""

from __future__ import annotations

from pathlib import Path

import pytest

from knowledge.knowledge_base import KnowledgeBase
from knowledge.spelling import Spelling, sounding_like

ENGLISH = """# Kettles

The international shop accepts credit cards. The kettle has a gooseneck.
Tieguanyin keeps for eighteen months. A refund takes five days. Descaling: use citric acid.
Tracking numbers come by email. Enter your address. Boil water at the right temperature.
"""
CHINESE = """# 会员

不想收邮件，点击退订链接。积分可以抵扣运费。发票从订单页面申请。内胆是不锈钢的。可能要等三天。
"""


@pytest.fixture
def spelling(base: KnowledgeBase, tmp_path: Path) -> Spelling:
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "en.md").write_text(ENGLISH, "utf-8")
    (folder / "zh.md").write_text(CHINESE, "utf-8")
    list(base.add([folder]))
    return base.spelling


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (
            "do you take cards on the internatonal site",
            "do you take cards on the international site",
        ),
        ("my kettel leaks", "my kettle leaks"),
        ("i want a refnud", "i want a refund"),
        ("how long does TIEGUANIN keep", "how long does tieguanyin keep"),
        ("citric acid for descailing", "citric acid for descaling"),
        ("traking says nothing", "tracking says nothing"),
        ("where do i change my adress", "where do i change my address"),
        ("怎么退定邮件", "怎么退订邮件"),
        ("我的积份过期了吗", "我的积分过期了吗"),
        ("发漂在哪申情", "发票在哪申请"),
        ("k2的内担", "k2的内胆"),
    ],
)
def test_a_slip_is_read_as_what_was_meant(spelling: Spelling, written: str, meant: str) -> None:
    corrected = spelling.corrected(written)
    assert corrected.text == meant
    assert all(c.wrong in written and c.right in meant for c in corrected.corrections)
    assert corrected.corrections


@pytest.mark.parametrize(
    "question",
    [
        "do you sell matcha whisks?",  # a word of its own, though no document has it
        "does it work in Texas or Minsk?",
        "write to [EMAIL_1] or adress@exmaple.com",
        "my kettle has a gooseneck",
        "order SL2411020077",
        "体验课能用礼品卡付么",  # cut 课能, which sounds like 可能
        "用微信付款有立减吗",
        "喜茶最近出什么新品",
        "给姑妈寄点茶",
        "退款要几天",
        "",
        "???",
        "' OR 1=1 -- \"kettel",
    ],
)
def test_what_is_no_slip_stays(spelling: Spelling, question: str) -> None:
    corrected = spelling.corrected(question)
    assert [c.wrong for c in corrected.corrections if c.wrong != "kettel"] == []
    assert corrected.text.replace("kettle", "kettel") == question.replace("kettle", "kettel")


def test_only_whole_words_are_replaced(spelling: Spelling) -> None:
    corrected = spelling.corrected("kettel or kettelbell")
    assert corrected.text == "kettle or kettelbell"


def test_it_corrects_towards_what_can_be_found_now(base: KnowledgeBase, spelling: Spelling) -> None:
    assert spelling.corrected("gooseneke").text == "gooseneck"
    base.remove("en.md")
    assert spelling.corrected("gooseneke").text == "gooseneke"
    assert spelling.corrected("kettel").corrections == ()


def test_sounds_leave_out_the_tone() -> None:
    assert {"定", "顶", "丁"} <= sounding_like("订")
    assert "订" not in sounding_like("订") and sounding_like("a") == frozenset()
