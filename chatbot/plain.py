"""Text as rules read it: one form for look-alike letters, and what obfuscated parts decode to."""

from __future__ import annotations

import base64
import binascii
import codecs
import re
import unicodedata
from collections.abc import Callable, Iterator
from functools import lru_cache
from urllib.parse import unquote

from knowledge.language import simplify

INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\U000e0000-\U000e007f]"
)
# Letters of other scripts that look Latin (Unicode's confusables, those in common fonts).
ALIKE = str.maketrans(
    "аеорсухівһјԁԛѕтмкнбгοαεικνρτυχωβγηℓıɡɑᴀʙᴄᴅᴇɢʜɪᴊᴋʟᴍɴᴏᴘʀᴛᴜᴠᴡʏᴢⅼ",
    "aeopcyxibhjdqstmkhbroaeiknptyxwbgnligaabcdeghijklmnoprtuvwyzl",
)
LEET = str.maketrans("013457@$!|", "oieastasil")
LEET_WORD = re.compile(r"(?=\S*[a-z])(?=\S*[0134578@$!|])[a-z0134578@$!|]{4,}")
SPACED = re.compile(r"(?<![^\W\d_])(?:[^\W\d_][ .\-_*]{1,2}){4,}[^\W\d_](?![^\W\d_])")
HAN_SPACED = re.compile(r"(?<=[\u4e00-\u9fff])[\s.\-_*·~|/]+(?=[\u4e00-\u9fff])")
BASE64 = re.compile(r"(?<![A-Za-z0-9+/])(?:[A-Za-z0-9+/_-]{20,}={0,2})")
BASE32 = re.compile(r"(?<![A-Z2-7])[A-Z2-7]{24,}={0,6}(?![A-Za-z0-9])")
HEX = re.compile(r"(?<![0-9A-Za-z])(?:(?:0x|\\x)?[0-9A-Fa-f]{2}[ ,]?){12,}(?![0-9A-Fa-f])")
BINARY = re.compile(r"(?:[01]{8}[ ,]?){8,}")
ESCAPED = re.compile(
    r"(?:\\u[0-9A-Fa-f]{4}|\\x[0-9A-Fa-f]{2}|%[0-9A-Fa-f]{2}|&#x?[0-9A-Fa-f]+;){6,}"
)
ASCII85 = re.compile(r"<~(.{20,}?)~>", re.DOTALL)
MORSE = re.compile(r"(?:[.\-]{1,6}[ /]+){12,}[.\-]{1,6}")
_MORSE = (
    ".- -... -.-. -.. . ..-. --. .... .. .--- -.- .-.. -- -. --- .--. --.- .-. ... - ..- ...- "
    ".-- -..- -.-- --.."
)
CODE = dict(zip(_MORSE.split(), "abcdefghijklmnopqrstuvwxyz", strict=True))
ENGLISH = re.compile(
    r"\b(?:the|all|and|you|your|previous|instructions?|show|me|this|rules|to|of)\b"
)
READABLE = 0.85  # share of letters and blanks from which on a decoded part is text


def flat(text: str) -> str:
    """Lower case, half-width, without accents and invisible characters, Simplified, one blank."""
    return _one_blank(_folded(text))


def _one_blank(text: str) -> str:
    return re.sub(r"[^\S\n]+", " ", text)


def _folded(text: str) -> str:
    """As flat(), with its blanks: wider gaps part the words of s p a c e d letters."""
    text = unicodedata.normalize("NFKC", INVISIBLE.sub("", text))
    text = "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))
    text = unicodedata.normalize("NFC", text).lower().replace("’", "'")
    if not text.isascii():
        text = simplify(_latin(text))
    text = HAN_SPACED.sub("", text)
    return re.sub(r"(?<=\w)'(?=\w)", " ", text)


def _latin(text: str) -> str:
    """Look-alikes as Latin where they stand in one word with Latin; a Russian word stays."""
    if not re.search(r"[a-z]", text):
        return text
    return re.sub(
        r"[^\W\d_]+",
        lambda m: m.group().translate(ALIKE) if _mixed(m.group()) else m.group(),
        text,
    )


def _mixed(word: str) -> bool:
    """Latin and look-alikes together, or nothing but look-alikes."""
    like = sum(ord(c) in ALIKE for c in word)
    return like > 0 and all(c.isascii() or ord(c) in ALIKE for c in word)


def readings(text: str) -> Iterator[str]:
    """`text` flat, then what spaced, leet, reversed and encoded parts of it say, flat too."""
    folded = _folded(text)
    plain = _one_blank(folded)
    yield plain
    if SPACED.search(folded):
        yield _one_blank(SPACED.sub(_unspaced, folded))
    if LEET_WORD.search(plain):
        yield LEET_WORD.sub(lambda m: m.group().translate(LEET), plain)
    if len(plain) > 20 and plain.isascii() and len(ENGLISH.findall(plain)) < 2:
        for turned in (plain[::-1], codecs.decode(plain, "rot13")):
            if len(ENGLISH.findall(turned)) >= 2:
                yield turned
    for part in _decoded(text):
        if _readable(part):
            yield flat(part)


def _unspaced(match: re.Match[str]) -> str:
    """i g n o r e  a l l: words stand apart by wider gaps, if at all."""
    words = re.split(r"\s{2,}", match.group())
    return " ".join(re.sub(r"[ .\-_*]", "", word) for word in words)


def _decoded(text: str) -> Iterator[str]:
    for match in ESCAPED.finditer(text):
        yield _unescaped(match.group())
    for match in BINARY.finditer(text):
        yield "".join(chr(int(b, 2)) for b in re.findall(r"[01]{8}", match.group()))
    for match in MORSE.finditer(text):
        words = match.group().split("/")
        yield " ".join("".join(CODE.get(c, "") for c in word.split()) for word in words)
    for pattern, decode in ENCODINGS:
        for match in pattern.finditer(text):
            try:
                yield decode(match.group()).decode("utf-8")
            except (ValueError, binascii.Error):
                continue


def _hex(value: str) -> bytes:
    return bytes.fromhex(re.sub(r"0x|\\x|[ ,]", "", value))


def _base32(value: str) -> bytes:
    return base64.b32decode(value + "=" * (-len(value) % 8))


def _base64(value: str) -> bytes:
    return base64.urlsafe_b64decode(_padded(value.replace("+", "-").replace("/", "_")))


def _ascii85(value: str) -> bytes:
    return base64.a85decode(value.strip("<~>"))


ENCODINGS: tuple[tuple[re.Pattern[str], Callable[[str], bytes]], ...] = (
    (HEX, _hex),
    (BASE32, _base32),
    (BASE64, _base64),
    (ASCII85, _ascii85),
)


def _padded(value: str) -> str:
    value = value.rstrip("=")
    return value + "=" * (-len(value) % 4)


def _unescaped(value: str) -> str:
    value = re.sub(r"\\u([0-9A-Fa-f]{4})|\\x([0-9A-Fa-f]{2})",
                   lambda m: chr(int(m[1] or m[2], 16)), value)  # fmt: skip
    value = re.sub(r"&#(x?)([0-9A-Fa-f]+);", lambda m: _character(m[2], 16 if m[1] else 10), value)
    return unquote(value)


def _character(number: str, base: int) -> str:
    try:
        return chr(int(number, base))
    except (ValueError, OverflowError):
        return ""


def _readable(text: str) -> bool:
    letters = sum(c.isalpha() or c.isspace() for c in text)
    return len(text) >= 8 and letters >= READABLE * len(text)


@lru_cache(maxsize=4_096)
def word_pattern(word: str) -> re.Pattern[str] | None:
    """Finds a listed word in flat text, also spaced, dotted or with digits for letters.

    Chinese anywhere, other words only as whole words. None when nothing of it can be matched.
    """
    letters = [c for c in flat(word) if c.isalnum()]
    if not letters:
        return None
    wide = r"[\W_]{0,3}"
    body = wide.join(_letter(c) for c in letters)
    if re.search(r"[\u3400-\u9fff]", "".join(letters)):
        return re.compile(body)
    return re.compile(rf"(?<![^\W_]){body}(?![^\W_])")


def _letter(character: str) -> str:
    leet = {"o": "0", "i": "1!|l", "l": "1|i", "e": "3", "a": "4@", "s": "5$", "t": "7", "b": "8"}
    return (
        f"[{re.escape(character + leet[character])}]" if character in leet else re.escape(character)
    )
