"""Everything about the people and programs that may more than customers."""

from __future__ import annotations

from dataclasses import dataclass

from knowledge.database import Database
from ui.accounts import Accounts
from ui.api_keys import Keys
from ui.invites import Invites
from ui.webhooks.store import Webhooks


@dataclass(frozen=True, slots=True)
class Team:
    """Accounts, open invitations, keys, webhooks; the audit log is the accounts'."""

    accounts: Accounts
    invites: Invites
    keys: Keys
    webhooks: Webhooks

    @classmethod
    def of(cls, database: Database) -> Team:
        """Those of a home."""
        accounts = Accounts(database)
        return cls(
            accounts,
            Invites(database, accounts),
            Keys(database, accounts),
            Webhooks(database, accounts.audit),
        )
