"""Passwords: which are too weak, and their hashes, one at a time."""

from __future__ import annotations

import itertools
import re
import secrets
import threading

from pwdlib import PasswordHash

MIN_PASSWORD = 12  # characters (ASVS 6.2.1 asks for 8, recommends 15)
MAX_PASSWORD = 256  # characters; argon2 hashes any length, a request need not carry it

# Words that most leaked passwords are made of; digits and signs around them do not help.
WORDS = """
    password passwort qwerty qwertyuiop qwertyuiopasdfghjkl asdfghjkl zxcvbnm iloveyou letmein
    welcome monkey dragon football baseball superman princess sunshine master shadow admin
    administrator root login access secret changeme default zhike customer support test
    woaini aini wodemima mima abc abcd abcdef abcdefg abcdefgh a q qwe qaz wsx qazwsx
"""
COMMON = frozenset(WORDS.split())
LEET = str.maketrans("0134578@$!", "oieastbasi")


class Hasher:
    """argon2 through pwdlib, in one slot: a hash takes 0.25 s of all memory lanes."""

    def __init__(self) -> None:
        self._hasher = PasswordHash.recommended()
        self._one = threading.Lock()
        self._nobody = self._hasher.hash(secrets.token_hex(16))
        self.verified = 0  # how often a password was compared

    def hash(self, password: str) -> str:
        with self._one:
            return self._hasher.hash(password)

    def verify(self, password: str, stored: str | None) -> bool:
        """Whether it is the password; without one that is stored, as slow and never right."""
        with self._one:
            self.verified += 1
            right = self._hasher.verify(password[:MAX_PASSWORD], stored or self._nobody)
        return right and stored is not None


def weakness(password: str) -> str | None:
    """The key of the text that says why a password is refused, or None."""
    if len(password) < MIN_PASSWORD or len(password) > MAX_PASSWORD:
        return "login.length"
    lower = password.lower()
    words = {
        re.sub(r"[^a-z]", "", lower),
        re.sub(r"[^a-z]", "", lower.translate(LEET)),
        re.sub(r"[^a-z]", "", lower.rstrip("0123456789!@#$%^&*._-").translate(LEET)),
    }
    if len(set(lower)) < 5 or words & COMMON or "" in words or _is_run(lower):
        return "login.common"
    return None


def _is_run(text: str) -> bool:
    """Whether it repeats one short part or only walks along the alphabet, e.g. abcdefghijkl."""
    repeats = any(text == (text[:n] * len(text))[: len(text)] for n in range(1, 6))
    steps = {ord(b) - ord(a) for a, b in itertools.pairwise(text)}
    return repeats or steps <= {1} or steps <= {-1}
