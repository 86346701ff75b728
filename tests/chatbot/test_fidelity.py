"""What a translation must keep, in both directions between Chinese and English."""

from __future__ import annotations

import pytest

from chatbot.fidelity import Differences, differences

SAME = [
    ("普通快递运费 10 元，满 99 元包邮，2 到 4 天送达。",
     "Standard shipping costs 10 yuan, free from 99 yuan, and takes 2 to 4 days."),
    ("订单 SL2403150021 在3月5日发货。", "Order SL2403150021 was shipped on March 5."),
    ("您的订单#4711已于2026年3月5日签收", "Your order #4711 was received on 5 March 2026."),
    ("请打[PHONE_1]，不要打[PHONE_2]。", "Please call [PHONE_1], not [PHONE_2]."),
    ("押金10万元，三天内退还", "The deposit of 100,000 yuan is returned within three days"),
    ("三天内退还", "It is returned within 3 days"),
    ("下午3点半以前下单", "Order before 3:30 pm"),
    ("下午3点以前下单", "Order before 15:00"),
    ("全场9折", "10% off everything"),
    ("全场8.5折", "15% off everything"),
    ("十分抱歉，请等一下，千万别担心", "We are very sorry, please wait a moment and do not worry"),
    ("大概三四天", "about three or four days"),
    ("链接：https://tea.example/returns，谢谢",
     "The link is https://tea.example/returns. Thank you."),
    ("写信到 help@tea.example 即可", "Just write to help@tea.example."),
    ("运费¥4.90", "Shipping is ¥4.9"),
    ("共１２０元", "120 yuan in all"),
    ("退款RMB100", "a refund of 100 yuan"),
    ("两个都坏了", "Both are broken"),
    ("二十五个", "twenty-five of them"),
    ("二〇二六年的茶", "the tea of 2026"),
    ("没有数字", "no numbers at all"),
    ("保固兩年", "a warranty of two years"),
    ("5月的訂單", "the order from May"),
    ("", ""),
]  # fmt: skip
CHANGED = [
    ("30 天内可以退货", "Returns are possible within 14 days", ("30",), ("14",)),
    ("订单 SL2403150021", "Order SL2403150012", ("SL2403150021",), ("SL2403150012",)),
    ("请打[PHONE_1]", "Please call us", ("[PHONE_1]",), ()),
    ("请打[PHONE_1]", "Please call [PHONE_2]", ("[PHONE_1]",), ("[PHONE_2]",)),
    ("见 https://tea.example/a", "see https://evil.example/a", ("https://tea.example/a",),
     ("https://evil.example/a",)),
    ("写信到 a@tea.example", "write to b@tea.example", ("a@tea.example",), ("b@tea.example",)),
    ("价格 10 元", "The price is $10", ("CNY 10",), ("USD 10",)),
    ("三天内", "within five days", ("三",), ("five",)),
    ("下午3点", "at 3 am", ("下午3点",), ("3 am",)),
    ("10万元", "10 yuan", ("10万",), ("10",)),
    ("九折", "free", (), ()),  # a number in words that counts nothing is not asked for
]  # fmt: skip


@pytest.mark.parametrize(("chinese", "english"), SAME)
def test_the_same_in_both_languages(chinese: str, english: str) -> None:
    assert not differences(chinese, english)
    assert not differences(english, chinese)


@pytest.mark.parametrize(("source", "translation", "missing", "added"), CHANGED)
def test_what_changed_is_named_as_written(
    source: str, translation: str, missing: tuple[str, ...], added: tuple[str, ...]
) -> None:
    assert differences(source, translation) == Differences(missing, added)
    assert differences(translation, source) == Differences(added, missing)


def test_a_month_in_digits_is_asked_for_and_one_as_a_word_may_stand_for_it() -> None:
    assert differences("3月5日发货", "shipped on April 5") == Differences(("3",), ())
    assert differences("shipped on April 5", "3月5日发货") == Differences((), ("3",))


def test_a_long_text_takes_no_time_that_grows_with_its_square() -> None:
    text = "1" * 2_000 + "A" * 1_000 + "-" * 1_000 + "万" * 1_000 + "www." * 500
    assert not differences(text, text)
