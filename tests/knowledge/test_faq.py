"""When two questions ask the same: never by their cosine alone."""

from __future__ import annotations

import pytest

from knowledge.faq import difference
from knowledge.knowledge_base import KnowledgeBase
from knowledge.types import FaqPair

OPPOSITES = [
    ("Can I return opened tea?", "Can I not return opened tea?", "negation"),
    ("Can I return opened tea?", "I can't return opened tea?", "negation"),
    ("Can I return opened tea?", "Cannot I return opened tea?", "negation"),
    ("打开的茶能退吗", "打开的茶不能退吗", "negation"),
    ("打开的茶可以退吗", "打开的茶不可以退吗", "negation"),
    ("有发票能保修吗", "没有发票能保修吗", "negation"),
    ("Do you ship with insurance?", "Do you ship without insurance?", "negation"),
    ("Can I cancel before dispatch?", "Can I cancel after dispatch?", "words"),
    ("发货前能取消吗", "发货后能取消吗", "words"),
    ("How do I enable renewal?", "How do I disable renewal?", "words"),
    ("What does E1 on the K1 mean?", "What does E1 on the K2 mean?", "numbers"),
    ("云K1 显示 E1 怎么办", "云K2 显示 E1 怎么办", "numbers"),
    ("Can I return it within 7 days?", "Can I return it within 15 days?", "numbers"),
    ("7 天内可以退货吗", "15 天内可以退货吗", "numbers"),
    ("七天内可以退货吗", "十五天内可以退货吗", "numbers"),
    ("Can I swap a K1 for a K2?", "Can I swap a K2 for a K1?", "numbers"),
    ("杭州寄到上海多少钱", "上海寄到杭州多少钱", "order"),
    ("Can I return opened tea?", "Do I have to return opened tea?", "words"),
    ("我可以寄回盒子吗", "我需要寄回盒子吗", "words"),
    ("Do you pay the return postage?", "Do I pay the return postage?", "words"),
    ("退货运费我出吗", "退货运费你们出吗", "words"),
    ("Can I pay by card?", "How can I pay by card?", "words"),
]
SAME = [
    ("Can I return opened tea?", "please, is it possible to return opened tea"),
    ("Can I return opened tea?", "return of opened tea"),
    ("打开的茶能不能退", "打开的茶可以退吗"),
    ("請問打開的茶可以退嗎", "打开的茶能退吗？"),
    ("不锈钢的壶能退吗", "不锈钢壶可以退吗"),
    ("Do I need to register?", "must I register"),
    ("Can you pay by card?", "can I pay by card"),
]


@pytest.mark.parametrize(("one", "other", "kind"), OPPOSITES)
def test_opposites_differ_in_both_directions(one: str, other: str, kind: str) -> None:
    for asked, known in ((one, other), (other, one)):
        found = difference(asked, known)
        assert found is not None and found[0] == kind


@pytest.mark.parametrize(("one", "other"), SAME)
def test_the_same_question_in_other_words(one: str, other: str) -> None:
    assert difference(one, other) is None and difference(other, one) is None


def test_the_words_that_differ_are_named() -> None:
    assert difference("Is the K1 free?", "Is the K2 free?") == ("numbers", ("k1", "k2"))
    assert difference("Can I return tea?", "Can I return a kettle?") == ("words", ("tea", "kettl"))


@pytest.mark.slow
def test_no_opposite_is_answered(base: KnowledgeBase) -> None:
    """All of them with the real embedder, in which most are nearer than the threshold."""
    ones = dict.fromkeys(one for one, _, _ in OPPOSITES)
    base.approved.load([FaqPair(one, f"about: {one}") for one in ones])
    near = 0
    for one, other, _ in OPPOSITES:
        (found,) = [c for c in base.faq_candidates(other) if c.phrasing == one]
        assert found.why != "answers"
        near += found.score >= 0.9
    assert near > len(OPPOSITES) / 2, "the cosine alone would have told most of them apart"


@pytest.mark.slow
def test_several_phrasings_in_several_languages(base: KnowledgeBase) -> None:
    answer = "Opened tea cannot be returned."
    ways = ["can opened tea go back", "开封的茶叶能退吗", "拆封的茶可以退货吗", "開封的茶可以退嗎"]
    pair = base.approved.add("Can I return opened tea?", answer, ways)
    for asked in (*ways, "Could opened tea go back?", "请问拆封的茶能不能退货", "開封的茶能退嗎？"):
        match = base.match_faq(asked)
        assert match is not None and match.pair == pair.id, asked
    for asked in ("can unopened tea go back", "未开封的茶叶能退吗", "开封的茶叶不能退吗"):
        assert base.match_faq(asked) is None, asked
