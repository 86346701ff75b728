"""Bytes to text: by mark, as UTF-8, by what the file says, else by what the bytes look like."""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections import Counter
from dataclasses import dataclass

from knowledge.errors import UnreadableFile

BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
NAMED = {  # what a page may call its coding → the one that browsers use (WHATWG Encoding)
    **dict.fromkeys(("gb2312", "gbk", "gb18030", "x-gbk"), "gb18030"),
    **dict.fromkeys(("big5", "big5-hkscs", "x-x-big5", "cn-big5"), "big5hkscs"),
    **dict.fromkeys(("iso-8859-1", "latin1", "us-ascii", "windows-1252", "cp1252"), "cp1252"),
    **{f"iso-8859-{n}": f"iso8859-{n}" for n in (2, 3, 4, 5, 6, 7, 8, 9, 10, 13, 14, 15, 16)},
    **{f"windows-{n}": f"cp{n}" for n in (1250, 1251, 1253, 1254, 1255, 1256, 1257, 1258)},
    **{"shift_jis": "cp932", "euc-jp": "euc_jp", "euc-kr": "cp949", "koi8-r": "koi8-r"},
}
CHARSET = re.compile(rb"<meta[^>]+charset\s*=\s*[\"']?\s*([\w-]+)", re.IGNORECASE)
SHOWN = {"gb18030": "GB18030", "big5hkscs": "Big5", "cp1252": "Windows-1252"}
STRANGE = 0.02  # share of control, private-use or unassigned characters: the guess was wrong
FREQUENT = 0.5  # share of frequent characters among two-byte ones: below, it is no Chinese
ACCENTED = 0.35  # share of bytes above 0x7F among letters: above, it is no Western language


@dataclass(frozen=True, slots=True)
class Decoded:
    """The text of a file, with \\n as its only line end."""

    text: str
    guessed: str = ""  # the coding, where nothing in the file told it

    @property
    def warnings(self) -> tuple[str, ...]:
        if not self.guessed:
            return ()
        return (
            f"The file does not tell its encoding; it was read as {self.guessed}. If letters look "
            "wrong, save it as UTF-8 and add it again.",
        )


def decode(data: bytes, name: str, named: str = "") -> Decoded:
    """named: the coding that the file itself names, if any; UTF-8 that is valid goes before it.

    Raises UnreadableFile when nothing gives sensible text.
    """
    for mark, coding in BOMS:
        if data.startswith(mark):
            return Decoded(_sane(_try(data[len(mark) :], coding), name))
    if not looks_utf16(data):
        text = _try(data, "utf-8")
        if text is None and named in NAMED:
            text = _try(data, NAMED[named])
        if text is not None:
            return Decoded(_sane(text, name))
    coding = _guess(data)
    return Decoded(_sane(_try(data, coding), name), SHOWN.get(coding, coding.upper()))


def named_charset(data: bytes) -> str:
    """The coding that a web page names at its beginning; "" where there is none."""
    named = CHARSET.search(data[:4096])
    return named[1].decode("ascii").lower() if named else ""


def looks_utf16(data: bytes) -> bool:
    """Mostly Latin text without a mark, where every other byte is NUL."""
    nul = max(data[0:4096:2].count(0), data[1:4096:2].count(0))
    return nul > 0.4 * min(len(data), 4096) / 2


def _try(data: bytes, coding: str) -> str | None:
    try:
        return data.decode(coding) if coding else None
    except UnicodeDecodeError:
        return None


def _guess(data: bytes) -> str:
    """The likeliest legacy coding; "" when none is likely.

    GB 2312 and Big5 list frequent characters first, in rows of their own (B0–D7 and A4–C6), so
    the share of bytes pairs that fall there tells which of the two wrote a text.
    """
    if looks_utf16(data):
        return "utf-16-le" if data[1::2].count(0) > data[0::2].count(0) else "utf-16-be"
    shares = {
        coding: _frequent(data, lead, trail)
        for coding, lead, trail in (
            ("gb18030", range(0xB0, 0xD8), (range(0xA1, 0xFF),)),
            ("big5hkscs", range(0xA4, 0xC7), (range(0x40, 0x7F), range(0xA1, 0xFF))),
        )
        if _try(data, coding) is not None
    }
    best = max(shares, key=lambda coding: shares[coding], default="")
    if best and shares[best] >= FREQUENT:
        return best
    high = sum(byte > 0x7F for byte in data)
    letters = high + sum(chr(byte).isalpha() for byte in data if byte < 0x80)
    if high <= ACCENTED * letters and _try(data, "cp1252") is not None:
        return "cp1252"
    from charset_normalizer import from_bytes

    found = from_bytes(data).best()
    return found.encoding if found is not None else ""


def _frequent(data: bytes, lead: range, trail: tuple[range, ...]) -> float:
    """Share of two-byte characters that are frequent ones; punctuation (A1–A3) does not count."""
    pairs = frequent = position = 0
    while position < len(data) - 1:
        first, second = data[position], data[position + 1]
        position += 2 if first > 0x80 else 1
        if first > 0x80 and first not in (0xA1, 0xA2, 0xA3):
            pairs += 1
            frequent += first in lead and any(second in part for part in trail)
    return frequent / pairs if pairs else 0.0


def _sane(text: str | None, name: str) -> str:
    strange = sum(
        times
        for c, times in Counter(text or "").items()
        if unicodedata.category(c) in {"Cc", "Co", "Cn"} and c not in "\t\r\n\f"
    )
    if text is None or strange > max(STRANGE * len(text), 2):
        raise UnreadableFile(
            f"{name}: the text is in no known encoding. Save the file as UTF-8 and add it again."
        )
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\f", "\n\n")
