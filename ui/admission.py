"""Who may use /v1: anybody on this machine, programs with an API key everywhere else."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from ipaddress import ip_address

from fastapi import HTTPException, Request

from chatbot.store import new_id
from ui.api_keys import PREFIX, Keys
from ui.cookies import VISITOR
from ui.roles import Scope
from ui.routes.staff_route import checked
from ui.settings import ServerSettings

Admission = Callable[[Request], str]


def admission(keys: Keys, server: ServerSettings) -> Admission:
    """The admission that the settings ask for; without `v1_keys` only where nobody else hears."""
    needed = server.v1_keys or not _loopback(server.host)

    def admit(request: Request) -> str:
        authorization = request.headers.get("authorization")
        # A key that was sent is checked in any case: a revoked one works nowhere
        if needed or PREFIX in (authorization or ""):
            principal = checked(keys, authorization, Scope.CHAT)
            return hashlib.sha256(f"key\0{principal.id}".encode()).hexdigest()[:32]
        return anonymous(request)

    return admit


def anonymous(request: Request) -> str:
    """Whoever reaches the port may ask, as at POST /api/v1/chat: the visitor's id, or a new one.

    Another admission returns 32 hexadecimal digits that stay the same for one caller and that
    nobody else can have, or raises HTTPException.
    """
    given = request.headers.get("x-zhike-visitor")
    if given is None:
        return new_id()
    if not VISITOR.fullmatch(given):
        raise HTTPException(400, "X-Zhike-Visitor must be 32 hexadecimal digits, as returned.")
    return given


def _loopback(host: str) -> bool:
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:  # a name; another one than this may mean any interface
        return host == "localhost"
