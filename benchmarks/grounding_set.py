"""Writes tests/data/grounding_zh.jsonl: replies that the sample documents support, and some bent.

    python benchmarks/grounding_set.py tests/data/grounding_zh.jsonl

A supported reply is a sentence of the document with the small changes that a writer makes (a
greeting, another word of the same meaning, a clause left out). An unsupported one has one thing
bent: a number, a thing, a negation, a condition. Every fifth document is marked "held_out"; the
threshold may be looked at on the others only.
"""

from __future__ import annotations

import json
import random
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from knowledge.split import sentences

SAMPLES = Path(__file__).parents[1] / "samples" / "knowledge" / "zh"
OPENINGS = ("您好，", "是的，", "亲，", "好的，", "", "")
SAME = (
    ("可以", "能"), ("需要", "要"), ("我们", "本店"), ("请", "麻烦您"), ("如果", "要是"),
    ("无法", "没办法"), ("立即", "马上"), ("大约", "差不多"), ("费用", "钱"), ("商品", "货品"),
    ("顾客", "客户"), ("购买", "买"), ("通常", "一般"), ("及时", "尽快"),
)  # fmt: skip
THINGS = (
    ("紫砂壶", "玻璃杯"), ("盖碗", "茶叶罐"), ("电热水壶", "茶巾"), ("绿茶", "咖啡"),
    ("红茶", "果汁"),
    ("普洱", "香槟"), ("微信", "银行卡"), ("支付宝", "现金"), ("顺丰", "邮政"), ("上海", "广州"),
    ("杭州", "成都"), ("香港", "台湾"), ("茶叶", "饼干"), ("水壶", "茶巾"), ("茶壶", "烤箱"),
    ("发票", "优惠券"), ("积分", "余额"), ("会员", "经销商"), ("门店", "仓库"), ("客服", "快递员"),
    ("K1", "K7"), ("K2", "K9"), ("短信", "传真"), ("订单", "合同"),
)  # fmt: skip
NEGATIONS = (
    ("不可以", "可以"), ("不能", "能"), ("不支持", "支持"), ("无法", "可以"), ("不会", "会"),
    ("不需要", "需要"), ("可以", "不可以"), ("支持", "不支持"), ("需要", "不需要"), ("会", "不会"),
)  # fmt: skip
CONDITIONS = (
    ("以内", "以外"), ("之前", "之后"), ("前", "后"), ("以上", "以下"), ("满", "不满"),
    ("至少", "至多"), ("最多", "至少"), ("仅限", "不限"), ("包含", "不含"), ("不含", "包含"),
    ("免费", "收费"), ("超过", "不超过"), ("未拆", "已拆"), ("未使用", "已使用"),
)  # fmt: skip
ODD = re.compile(r"不不|不会员|不会议|没有不|不无|无不")  # what nobody writes
NUMBER = re.compile(r"\d+(?:\.\d+)?")


def passages() -> Iterator[tuple[str, str, list[str]]]:
    """(document, passage, its sentences) of the Markdown documents, section by section."""
    for path in sorted(SAMPLES.glob("*.md")):
        for section in re.split(r"^#+ .*$", path.read_text("utf-8"), flags=re.MULTILINE):
            lines = [line for line in section.splitlines() if line and line[0] not in "|-*>`"]
            text = "".join(lines).strip()
            told = [s for s in sentences(text) if len(s) >= 12]
            if told:
                yield path.name, text, told


def kept(sentence: str, pick: random.Random) -> str:
    """The same said a little differently."""
    for word, other in pick.sample(SAME, len(SAME)):
        if word in sentence:
            sentence = sentence.replace(word, other, 1)
            break
    clauses = re.split(r"(?<=[，；])", sentence)
    if len(clauses) > 2 and pick.random() < 0.5:
        sentence = "".join(clauses[:-1]).rstrip("，；") + "。"
    return pick.choice(OPENINGS) + sentence


def number(sentence: str, pick: random.Random) -> str:
    found = list(NUMBER.finditer(sentence))
    if not found:
        return sentence
    one = pick.choice(found)
    value = float(one[0])
    other = pick.choice([v for v in (value + 1, value * 2, value + 7, value * 10) if v != value])
    return f"{sentence[: one.start()]}{other:g}{sentence[one.end() :]}"


def swapped(pairs: tuple[tuple[str, str], ...]) -> Callable[[str, random.Random], str]:
    """The first of the pairs, in a random order, that the sentence has."""

    def change(sentence: str, pick: random.Random) -> str:
        for word, other in pick.sample(pairs, len(pairs)):
            bent = sentence.replace(word, other, 1)
            if bent != sentence and not ODD.search(bent):
                return bent
        return sentence

    return change


BENT = {
    "number": number,
    "thing": swapped(THINGS),
    "negation": swapped(NEGATIONS),
    "condition": swapped(CONDITIONS),
}


def rows() -> Iterator[dict[str, object]]:
    pick = random.Random(0)
    documents: dict[str, int] = {}
    for document, text, told in passages():
        held_out = documents.setdefault(document, len(documents)) % 5 == 0
        for sentence in told:
            base = {"document": document, "held_out": held_out, "evidence": [text], "history": []}
            yield base | {"reply": kept(sentence, pick), "supported": 1, "kind": "kept"}
            for kind, change in BENT.items():
                bent = change(sentence, pick)
                if bent != sentence and bent not in text:
                    yield base | {"reply": bent, "supported": 0, "kind": kind}


if __name__ == "__main__":
    written = list(rows())
    lines = (json.dumps(row, ensure_ascii=False) for row in written)
    Path(sys.argv[1]).write_text("\n".join(lines) + "\n", "utf-8")
    print(len(written), "rows")
