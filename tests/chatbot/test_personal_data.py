"""Every kind is found wherever it stands; what people ask about survives."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatbot import checksums, labelled
from chatbot.personal_data import find

MARKED = Path(__file__).parents[1] / "data" / "personal_data.jsonl"


def found(text: str) -> list[tuple[str, str]]:
    return [(span.kind, text[span.start : span.end]) for span in find(text)]


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("我的电话１３８１２３４５６７８谢谢", "phone", "１３８１２３４５６７８"),  # full-width
        ("电话138\u200b1234\u200b5678", "phone", "138\u200b1234\u200b5678"),  # invisible
        ("座机0571-87654321转801", "phone", "0571-87654321转801"),
        ("text me: 07700 900123", "phone", "07700 900123"),
        ("手機0912-345-678", "phone", "0912-345-678"),
        ("0086 13812345678打不通", "phone", "0086 13812345678"),
        ("身份证 110105 19491231 002X", "id", "110105 19491231 002X"),
        ("香港身份證 A123456(3)", "id", "A123456(3)"),
        ("身分證字號A123456789", "id", "A123456789"),
        ("SSN 078-05-1120", "id", "078-05-1120"),
        ("卡号6222 0212 0000 1234 561，安全码 123", "card", "6222 0212 0000 1234 561"),
        ("de89370400440532013000", "iban", "de89370400440532013000"),
        ("护照号E12345678", "passport", "E12345678"),
        ("车牌是京A·12345", "plate", "京A·12345"),
        ("沪AD12345能进吗", "plate", "沪AD12345"),
        ("from 2001:db8::1 please", "ip", "2001:db8::1"),
        ("打开https://a.example/x?token=1f，没反应", "url", "https://a.example/x?token=1f"),
        ("我叫王伟想退货", "name", "王伟"),
        ("欧阳女士的快递", "name", "欧阳"),
        ("please ask Dr. José Álvarez", "name", "José Álvarez"),
        ("寄到臺北市大安區忠孝東路四段100號3樓", "address", "臺北市大安區忠孝東路四段100號3樓"),
        ("阳光花园3栋2单元501", "address", "阳光花园3栋2单元501"),
        ("my address is Rua Diadema 1903, Lisboa. Thanks", "address", "Rua Diadema 1903, Lisboa"),
        ("Please ship it to Kiannonkatu 98 Apt. 105", "address", "Kiannonkatu 98 Apt. 105"),
        ("The parcel is for my neighbour Anna Brandt, ok?", "name", "Anna Brandt"),
        ("I spoke to Siobhan yesterday", "name", "Siobhan"),
        ("Please change the recipient to José Álvarez.", "name", "José Álvarez"),
        ("Hi Maria, it left today.", "name", "Maria"),
        ("Thanks a lot!\nAnna Brandt", "name", "Anna Brandt"),
        ("麻烦寄给李若彤，谢谢", "name", "李若彤"),
        ("麻煩寄給陳曉東，謝謝", "name", "陳曉東"),
        ("我同事周敏也买了", "name", "周敏"),
        ("快递被徐志远签收了", "name", "徐志远"),
        ("刘建国 13700009081", "name", "刘建国"),
        ("收货人约翰·史密斯没收到", "name", "约翰·史密斯"),
        ("找小王就行", "name", "小王"),
        ("to Flat 2, 8 King St, Leeds LS1 4AP", "address", "Flat 2, 8 King St, Leeds LS1 4AP"),
    ],
)  # fmt: skip
def test_kinds(text: str, kind: str, value: str) -> None:
    assert (kind, value) in found(text)


@pytest.mark.parametrize(
    "text",
    [
        "30 days",
        "K2",
        "SF1234567890123",
        "单号4532015112830366到哪了",  # passes Luhn, but it is an order's number
        "订单2024031512345678",
        "固件1.0.2.15",
        "version 10.0.0.1",
        "12:30:45",
        "Hi Team, where is my order?",
        "Hi, I'm new here",
        "Dear Customer Service, the lid leaks",
        "I spoke to Support on Monday",
        "I talked to PayPal and to DHL",
        "do you deliver to Canada 2 kg parcels",
        "Is it sent to Hong Kong by May 3?",
        "send it to Level 3 support",
        "王牌茶壶多少钱",
        "周末发货吗，方便的话马上回我",
        "发给顾客的发票",
        "我朋友高兴坏了",
        "我同事严重过敏",
        "让程序帮忙",
        "再和朋友商量",
        "小米、小白都好",
        "海景·大床房",
        "这位先生态度很好",
        "我是金卡会员，高级的",
        "我是江苏的",
        "the doctor said tea is fine",
        "this is great",
        "size 38 39 40 41",
        "12 main reasons to take the long road home",
        "cvv 在哪里看",
        "1-800-555-0199",
        "400-820-8820",
    ],
)
def test_what_people_ask_about_survives(text: str) -> None:
    assert found(text) == []


def test_links_of_agents_stay_unless_they_hold_a_token() -> None:
    text = "See https://shop.example/returns or https://shop.example/o?token=a1b2"
    assert [s.kind for s in find(text)] == ["url", "url"]
    (span,) = find(text, links="secret")
    assert text[span.start : span.end].endswith("token=a1b2")


@settings(deadline=None, max_examples=150)
@given(st.integers(0, 10**17 - 1))
def test_one_last_digit_of_an_identity_number_is_right(number: int) -> None:
    body = f"{number:017}"
    right = [c for c in "0123456789X" if checksums.resident_id(body + c)]
    dated = body[:2] in checksums.PROVINCES and checksums.born(body[6:14])
    assert len(right) == (1 if dated else 0)


@settings(deadline=None, max_examples=150)
@given(st.text(max_size=80))
def test_spans_are_in_order_inside_the_text_and_apart(text: str) -> None:
    end = 0
    for span in find(text):
        assert end <= span.start < span.end <= len(text)
        end = span.end


@pytest.mark.parametrize(
    "text",
    [
        *("1" * 4_000, "1 " * 2_000, "a@" * 2_000, "路" * 4_000, "省市区县" * 1_000, "-0" * 2_000),
        *("A " * 4_000, "my wife " + "Anna " * 2_000, "deliver to " + "Aa, 1 " * 2_000),
        "马里" * 3_000,
    ],
)
def test_a_long_text_of_digits_or_names_ends(text: str) -> None:
    find(text)


def test_checksums_of_published_examples() -> None:
    assert checksums.luhn("4111 1111 1111 1111") and not checksums.luhn("4111 1111 1111 1112")
    assert checksums.iban("GB82 WEST 1234 5698 7654 32") and not checksums.iban("GB82WEST")
    assert checksums.hong_kong_id("A123456(3)") and not checksums.hong_kong_id("A123456(4)")
    assert checksums.taiwan_id("A123456789") and not checksums.taiwan_id("A123456788")
    assert checksums.old_resident_id("110105491231002")
    assert not checksums.born("20240230")


def test_recall_and_precision_on_the_generated_set() -> None:
    """2,000 sentences; half of the numbers have a wrong check digit."""
    report = labelled.personal(labelled.marked(MARKED))
    assert len(report["by_type"]) == 12
    for kind, scores in report["by_type"].items():
        assert scores["rows"] >= 40
        assert scores["recall"] >= 0.99 and scores["precision"] >= 0.98, (kind, scores)


def test_the_set_is_what_its_generator_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "benchmarks"))
    import personal_data_set  # type: ignore[import-not-found,unused-ignore]

    rows = personal_data_set.rows()
    monkeypatch.delitem(sys.modules, "personal_data_set")
    assert [row["text"] for row in rows] == [row.text for row in labelled.marked(MARKED)]


@pytest.mark.parametrize("name", ["golden.jsonl", "hard.jsonl"])
def test_no_word_of_a_question_is_taken_for_a_name_or_an_address(name: str) -> None:
    """A masked word would be missing from the search."""
    text = (Path(__file__).parents[2] / "samples" / name).read_text("utf-8")
    assert [
        f for line in text.splitlines() for f in found(line) if f[0] in ("name", "address")
    ] == []
