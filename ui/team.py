"""Everything about the people and programs that may more than customers."""

from __future__ import annotations

from dataclasses import dataclass

from ui.accounts import Accounts
from ui.api_keys import Keys
from ui.invites import Invites


@dataclass(frozen=True, slots=True)
class Team:
    """Accounts, open invitations, keys; the audit log is the accounts'."""

    accounts: Accounts
    invites: Invites
    keys: Keys
