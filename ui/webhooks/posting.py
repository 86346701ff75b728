"""One delivery: signed after the Standard Webhooks specification 1.0, posted once.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
import ssl
import time
from dataclasses import dataclass

import httpcore
import httpx

from ui.webhooks.addresses import BadAddress, CheckedNetwork, check

PREFIX = "whsec_"
SECRET_BYTES = 32  # the specification asks for 24 to 64
SECONDS = 10.0  # for the connection, for each part of the request, for each silence
LONGEST_PAUSE = 6 * 3600  # seconds that a receiver may ask for
ASKED = re.compile(r"[0-9]{1,9}")  # Retry-After in seconds; a date is not looked at
ERRORS: tuple[tuple[type[Exception], str], ...] = (  # the first that fits; words for staff
    (httpcore.ConnectTimeout, "no connection within 10 s"),
    (httpcore.TimeoutException, "no answer within 10 s"),
    (ssl.SSLError, "its certificate is not valid"),
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a try."""

    status: int | None  # of the answer; None when there was none
    error: str  # one line for staff; "" when it was taken
    pause: int = 0  # seconds that the receiver asks to wait; 0: it says nothing

    @property
    def taken(self) -> bool:
        return not self.error


def new_secret() -> str:
    """A key to sign with, in the form that libraries of receivers take."""
    return PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def signature(secret: str, message: str, timestamp: int, body: str) -> str:
    """The header webhook-signature. timestamp: seconds since 1970."""
    key = base64.b64decode(secret.removeprefix(PREFIX))
    signed = f"{message}.{timestamp}.{body}".encode()
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()


def post(url: str, secret: str, message: str, body: str, *, loopback: bool) -> Outcome:
    """Send it once. Any 2xx is taken; a redirect is not followed and counts as a failure."""
    timestamp = int(time.time())
    headers: dict[bytes | str, bytes | str] = {
        "content-type": "application/json",
        "user-agent": "Zhike-Webhooks/1",
        "webhook-id": message,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signature(secret, message, timestamp, body),
    }
    timeout = dict.fromkeys(("connect", "read", "write", "pool"), SECONDS)
    try:
        check(url, loopback=loopback)  # http to this machine may have been allowed before
        with (
            httpcore.ConnectionPool(
                ssl_context=httpx.create_ssl_context(),
                network_backend=CheckedNetwork(loopback=loopback),
            ) as pool,
            # The answer's body is not read: nothing in it counts
            pool.stream(
                "POST", url, headers=headers, content=body.encode(), extensions={"timeout": timeout}
            ) as response,
        ):
            return _outcome(response)
    except BadAddress as error:
        return Outcome(None, str(error))
    except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError) as error:
        return Outcome(None, _words(error))


def _outcome(response: httpcore.Response) -> Outcome:
    status = response.status
    if 200 <= status < 300:
        return Outcome(status, "")
    after = httpx.Headers(response.headers).get("retry-after", "").strip()
    pause = min(int(after), LONGEST_PAUSE) if ASKED.fullmatch(after) else 0
    redirect = "; redirects are not followed" if 300 <= status < 400 else ""
    return Outcome(status, f"it answered {status}{redirect}", pause)


def _words(error: Exception) -> str:
    """Why nothing came back, without addresses."""
    seen: BaseException | None = error
    while seen is not None:
        for kind, words in ERRORS:
            if isinstance(seen, kind):
                return words
        seen = seen.__cause__ or seen.__context__
    if isinstance(error, httpcore.ProtocolError):
        return "its answer was no HTTP"
    return "no connection"
