"""Text files in the encodings that customers' machines write."""

from __future__ import annotations

import pytest

from knowledge.errors import UnreadableFile
from knowledge.load import load

from .files import Write, texts

SIMPLE = "退货说明：收到商品后七天之内可以申请退货，运费由顾客承担。"
TRADITIONAL = "退貨說明：收到商品後七天之內可以申請退貨，運費由顧客負擔。"
WESTERN = "Café « Zoë » – naïve façade, größte Rückgabe mañana."
CODINGS = [
    ("utf-8", SIMPLE, ""),
    ("utf-8-sig", SIMPLE, ""),
    ("utf-16", SIMPLE, ""),
    ("gb18030", SIMPLE, "GB18030"),
    ("gb18030", TRADITIONAL, "GB18030"),
    ("big5", TRADITIONAL, "Big5"),
    ("cp1252", WESTERN, "Windows-1252"),
]


def _content(suffix: str, text: str) -> str:
    return {
        "txt": text,
        "md": text,
        "csv": f"No;Text\n1;{text}\n",
        "html": f"<html><body><p>{text}</p></body></html>",
    }[suffix]


@pytest.mark.parametrize("suffix", ["txt", "md", "csv", "html"])
@pytest.mark.parametrize(("coding", "text", "named"), CODINGS)
def test_each_encoding_in_each_format(
    write: Write, suffix: str, coding: str, text: str, named: str
) -> None:
    parsed = load(write(f"a.{suffix}", _content(suffix, text).encode(coding)))
    assert text in texts(parsed)[0]
    said = [warning for warning in parsed.warnings if "read as" in warning]
    assert len(said) == bool(named)
    assert all(f"it was read as {named}." in warning for warning in said)


@pytest.mark.parametrize(
    ("charset", "coding", "text"),
    [
        ("gb2312", "gb18030", SIMPLE),
        ("big5", "big5", TRADITIONAL),
        ("iso-8859-1", "cp1252", WESTERN),
        ("iso-8859-1", "utf-8", SIMPLE),  # the page is wrong about itself
        ("no-such-coding", "utf-8", SIMPLE),
        ("unicode_escape", "utf-8", "C:\\new and\\x41"),  # a codec of Python, not of the web
    ],
)
def test_the_charset_that_a_page_names(write: Write, charset: str, coding: str, text: str) -> None:
    page = f'<html><meta charset="{charset}"><body><p>{text}</p></body></html>'
    parsed = load(write("a.html", page.encode(coding)))
    assert (texts(parsed), parsed.warnings) == ([text], ())


@pytest.mark.parametrize("text", ["茶壶", "退货", "名称,价格\n茶壶,399\n", "你好"])
def test_short_simplified_text(write: Write, text: str) -> None:
    assert texts(load(write("a.txt", text.encode("gb18030")))) == [text.strip()]


@pytest.mark.parametrize("text", ["茶壺退貨", "名稱,價格\n茶壺,399\n", "您好，歡迎光臨"])
def test_short_traditional_text(write: Write, text: str) -> None:
    assert texts(load(write("a.txt", text.encode("big5")))) == [text.strip()]


def test_bytes_that_are_no_text_are_refused(write: Write) -> None:
    with pytest.raises(UnreadableFile, match="no known encoding"):
        load(write("a.txt", bytes(range(1, 255)) * 3))
