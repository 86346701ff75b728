"""The two cookies: the visitor's, and the session of staff."""

from __future__ import annotations

import re
from collections.abc import MutableMapping
from typing import Any

from starlette.datastructures import Headers

Scope = MutableMapping[str, Any]
VISITOR_COOKIE = "zhike_visitor"
DESK_COOKIE = "zhike_desk"
VISITOR = re.compile(r"[0-9a-f]{32}")
YEAR = 365 * 24 * 3600


def cookies(scope: Scope) -> dict[str, str]:
    """All of a request, by name."""
    pairs = (part.partition("=") for part in Headers(scope=scope).get("cookie", "").split(";"))
    return {name.strip(): value.strip() for name, _, value in pairs}


def visitor_of(scope: Scope) -> str | None:
    """The visitor's id from the cookie, when it is well formed."""
    found = cookies(scope).get(VISITOR_COOKIE, "")
    return found if VISITOR.fullmatch(found) else None


def desk_cookie(scope: Scope) -> str:
    """The name of the staff cookie: bound to this host where the connection is encrypted."""
    return f"__Host-{DESK_COOKIE}" if scope.get("scheme") == "https" else DESK_COOKIE


def desk_token(scope: Scope) -> str | None:
    """The staff session's token from its cookie."""
    return cookies(scope).get(desk_cookie(scope))


def set_desk_cookie(scope: Scope, token: str) -> str:
    """The header that gives a browser its staff session."""
    secure = "; Secure" if scope.get("scheme") == "https" else ""
    return f"{desk_cookie(scope)}={token}; HttpOnly; Path=/; SameSite=strict{secure}"
