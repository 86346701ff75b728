"""Sources of a reply as customers and staff see them."""

from __future__ import annotations

import re

from chatbot.types import Citation
from ui.pages import bubbles


def cited(id_: int, heading: str, text: str, sentence: str, **more: str) -> Citation:
    document, title = more.get("document", "k2.pdf"), more.get("title", "K2 manual")
    return Citation(id_, "d", "default", document, title, heading, text, sentence, 0.9)


def labels(shown: str) -> list[str]:
    return re.findall(r'class="cite-label">(.*?)</span>', shown)


def marks(shown: str) -> list[str]:
    return re.findall(r"<mark>(.*?)</mark>", shown)


def test_one_source_per_document_and_heading_with_all_its_sentences() -> None:
    shown = bubbles.sources(
        [
            cited(1, "Errors", "E1 is the lid. E2 is dry boiling.", "E2 is dry boiling."),
            cited(1, "Errors", "E1 is the lid. E2 is dry boiling.", "E1 is the lid."),
            cited(2, "Errors", "E5 is an update.", "E5 is an update."),
            cited(3, "Errors", "E2 is hot.", "E2 is hot.", document="k1.pdf", title="K1 manual"),
            cited(5, "Errors", "E9.", "E9.", document="old/k1.pdf", title="K1 manual"),
            cited(4, "Care", "Descale it.", "Descale it."),
        ]
    )
    assert labels(shown) == [
        "Errors · K2 manual",
        "Errors · K1 manual · k1.pdf",
        "Errors · K1 manual · old/k1.pdf",
        "Care",
    ]
    first, second = shown.split("</details>")[:2]
    assert marks(first) == ["E1 is the lid.", "E2 is dry boiling.", "E5 is an update."]
    assert first.count("<blockquote>") == 2
    assert "k2.pdf" in first and "k1.pdf" in second


def test_an_approved_answer_is_titled_with_its_question() -> None:
    def answer(id_: int, question: str, said: str) -> Citation:
        return cited(id_, "", f"{question}\n{said}", said, document="zh/faq.xlsx", title="faq")

    shown = bubbles.sources([answer(1, "运费多少？", "10 元。"), answer(2, "多久到？", "2 天。")])
    assert labels(shown) == ["运费多少？", "多久到？"]
    assert '<div class="cite-where">运费多少？</div>' in shown
    assert "<blockquote><mark>10 元。</mark></blockquote>" in shown
    assert ">faq<" not in shown
    assert shown.count("运费多少？") == 2  # chip and title


def test_a_titled_document_keeps_its_title() -> None:
    shown = bubbles.sources([cited(1, "", "Free for two hours.", "Free for two hours.")])
    assert '<div class="cite-where">K2 manual</div>' in shown
    assert marks(shown) == ["Free for two hours."]
