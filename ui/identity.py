"""Who a signed-in customer is here: signed by the shop's server, checked by this one."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from pathlib import Path

from chatbot.errors import ChatbotError

SECRET = "widget.secret"  # file in the home
SHORTEST = 32  # characters of the key


def secret(home: Path) -> bytes:
    """The key that signs customers' ids; made at the first use, readable by its owner only.

    Raises ChatbotError when the file holds no such key.
    """
    path = home / SECRET
    try:
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_hex(32) + "\n")
    except FileExistsError:
        pass
    except OSError as error:
        raise ChatbotError(f"{path}: the key cannot be written ({error.strerror}).") from error
    key = path.read_text("utf-8", errors="replace").strip()
    if len(key) < SHORTEST:
        raise ChatbotError(
            f"{path}: the key has {len(key)} characters, fewer than {SHORTEST}. Remove the file to "
            "get a new one; customers who sign in are then new visitors."
        )
    return key.encode()


def signature(key: bytes, user: str) -> str:
    """What the shop's server puts beside a signed-in customer's id: HMAC-SHA256, hex."""
    return hmac.new(key, user.encode(), hashlib.sha256).hexdigest()


def signed(key: bytes, user: str, given: str) -> bool:
    """Whether the signature is right; takes the same time for any wrong one."""
    return hmac.compare_digest(signature(key, user).encode(), given.lower().encode())


def visitor_id(key: bytes, user: str) -> str:
    """The visitor that a signed-in customer is, the same on every device: 128 bits, hex.

    Another message than signature() signs, so a page that shows one does not tell the other.
    """
    return hmac.new(key, b"visitor\x00" + user.encode(), hashlib.sha256).hexdigest()[:32]
