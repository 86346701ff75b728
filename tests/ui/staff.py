"""Members of staff of every role, on a running site."""

from __future__ import annotations

from chatbot.store import new_id
from tests.ui.conftest import PASSWORD
from ui.roles import Role
from ui.web import Web


def session_of(site: Web, role: Role, name: str = "") -> str:
    """A session of a new account with this role, invited by the first admin."""
    accounts = site.accounts
    if not accounts.ready():
        token = accounts.setup_token()
        assert token is not None
        accounts.set_up(token, PASSWORD, new_id())
    token = site.team.invites.invite(name or f"{role.value}-{new_id()[:6]}", role, "admin")
    return site.team.invites.accept(token, PASSWORD, new_id())[1]
