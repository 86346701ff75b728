"""A written answer links only to what the cited passage links to or the settings allow."""

from __future__ import annotations

import pytest

from chatbot.answering import Answer, Answering
from chatbot.errors import SettingsError
from chatbot.generation.protocol import Generation
from chatbot.generation.quoting import shown
from chatbot.links import forbidden, without_allowed, without_images
from chatbot.settings import ChatbotSettings
from chatbot.types import Action
from knowledge.features import split
from knowledge.types import Passage
from tests.chatbot.conftest import passage
from tests.chatbot.test_answering import Scripted

TRACK = "Track your parcel at https://leaf.example/track with the order number."
SHOP = passage(f"{TRACK} The return postage is $6.", 7)
HOSTS = frozenset({"help.leaf.example"})


@pytest.mark.parametrize(
    "text",
    [
        "See https://evil.example/pay.",
        "See https://leaf.example/other.",
        "See https://leaf.example/trac.",
        "See https://leaf.example.evil.example/track.",
        "See HTTPS://EVIL.EXAMPLE/track.",
        "See //evil.example/track.",
        "See www.evil.example.",
        "See evil.example/pay now.",
        "See evil.com for more.",
        "See ｅｖｉｌ．ｃｏｍ／pay for more.",
        "[Track](https://evil.example/track)",
        "[Track]( <//evil.example/track> )",
        "[Track](javascript:alert(1))",
        "[Track](data:text/html,x)",
        "[1]: evil",
        '<a href="/pay">Track</a>',
        "详情见https://evil.example/pay，谢谢。",
        "ftp://leaf.example/track",
        "https://help.leaf.example@evil.example/",
        "https://evil.example\\@help.leaf.example/",
        "https://ann@help.leaf.example/",
        "https://x.help.leaf.example/",
        "https://help.leaf.example.evil.example/",
        "ftp://help.leaf.example/",
        "https://leaf.example:bad/track",
    ],
)
def test_a_link_from_elsewhere_is_forbidden(text: str) -> None:
    assert "link" in str(forbidden(text, SHOP, HOSTS))


@pytest.mark.parametrize(
    "text",
    [
        TRACK,
        "[Track](https://leaf.example/track).",
        "Track it at leaf.example/track/.",
        "请在https://leaf.example/track，用订单号查询。",
        "See https://help.leaf.example/faq?x=1#top.",
        "See help.leaf.example/faq.",
        "The tea keeps 12.5 months, e.g. in a tin.Then it fades; see Node.js and 7/24 service.",
        "It weighs 1.5kg/bag and/or 2.0kg.",
    ],
)
def test_a_link_of_the_passage_or_to_an_allowed_host_may_be_shown(text: str) -> None:
    assert forbidden(text, SHOP, HOSTS) is None


@pytest.mark.parametrize(
    "text",
    [
        "![x](https://leaf.example/track)",
        "![x](https://help.leaf.example/p.png)",
        "![x][1]",
        '<IMG src="https://leaf.example/track">',
        "！[x](https://leaf.example/track)",
    ],
)
def test_no_image_is_shown_from_anywhere(text: str) -> None:
    assert "image" in str(forbidden(text, SHOP, HOSTS))


def test_only_allowed_links_need_no_support() -> None:
    text = "See https://help.leaf.example/faq or https://evil.example/faq now"
    assert without_allowed(text, HOSTS) == "See  or https://evil.example/faq now"
    assert without_allowed(text, ()) == text


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("Look: ![a kettle](https://evil.example/k.png) here", "Look: [a kettle]"),
        ("Look ![a. b](https://evil.example/k.png)", "Look [a. b]"),
        ('Look <img src="https://evil.example/k.png"> here', "Look  here"),
        ('Look <img alt="a.', "Look "),
    ],
)
def test_markup_of_an_image_loads_nothing(text: str, kept: str) -> None:
    assert without_images(text).startswith(kept)
    assert "![" not in without_images(text) and "<img" not in without_images(text)


def test_a_quote_of_a_text_file_shows_no_image() -> None:
    source = passage("The kettle ![red. new](https://evil.example/k.png) weighs 900 g.")
    assert "![" not in "".join(shown(sentence) for sentence in split(source))


def written(text: str, hosts: frozenset[str] = frozenset(), *evidence: Passage) -> Answer:
    found = evidence or (SHOP,)
    request = Generation("How?", (), found, "en", tuple(s for p in found for s in split(p)))
    answer = Answer()
    answering = Answering(Scripted([text]), "generate", hosts=hosts)
    for _ in answering.write(request, Action.ANSWER, answer):
        pass
    return answer


def test_an_answer_keeps_the_passages_link_and_drops_another_passages() -> None:
    assert written(TRACK).text == TRACK
    other = passage("Write a review at https://review.example/write after a purchase.", 8)
    mixed = "The return postage is $6, [see](https://review.example/write)."
    answer = written(f"{TRACK} {mixed}", frozenset(), SHOP, other)
    assert answer.text == TRACK and "review.example" in answer.note


def test_a_relative_link_and_a_bare_name_are_dropped() -> None:
    answer = written(f"{TRACK} The return postage is [$6](/pay). The return postage is $6.")
    assert answer.text == f"{TRACK} The return postage is $6."
    assert "a link that is not in the cited passage" in answer.note


def test_an_allowed_host_may_be_linked_to_in_an_answer() -> None:
    text = "The return postage is $6, see https://help.leaf.example/postage."
    assert written(text, HOSTS).text == text
    assert written(text).action is Action.QUOTE and "help.leaf" not in written(text).text


@pytest.mark.parametrize("host", ["https://leaf.example", "leaf", "Leaf.example", "a.cn/x", ""])
def test_an_allowed_link_is_a_host(host: str) -> None:
    with pytest.raises(SettingsError, match="is no host"):
        ChatbotSettings(allowed_links=(host,))
