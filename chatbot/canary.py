"""An adapter on trial serves a share of the sessions, and goes by itself when customers tell."""

from __future__ import annotations

import logging

from scipy.stats import fisher_exact

from chatbot.champions import Champion, Champions
from knowledge.database import Database

FEWEST = 10  # ratings of the canary before they are judged
SURE = 0.01  # chance that as many thumbs down come from luck; low, for it is asked at each rating
log = logging.getLogger(__name__)


def fall_back(database: Database, champions: Champions) -> Champion | None:
    """Take back a dialogue adapter on a share of the sessions whose replies are rated worse.

    Thumbs of its replies against those of the other replies of the same time, by Fisher's exact
    test (one-sided). Returns what was taken back.
    """
    canary = champions.current("dialogue")
    if canary is None or canary.share >= 1:
        return None
    (up, down), (others_up, others_down) = thumbs(database, canary.name)
    if up + down < FEWEST:
        return None
    chance = fisher_exact([[down, up], [others_down, others_up]], alternative="greater").pvalue
    if chance >= SURE:
        return None
    champions.rollback("dialogue")
    log.warning(
        "%s was taken back: %d of its %d ratings were thumbs down, %d of %d elsewhere.",
        canary.name,
        down,
        up + down,
        others_down,
        others_up + others_down,
    )
    return canary


def thumbs(database: Database, name: str) -> tuple[tuple[int, int], tuple[int, int]]:
    """((up, down) of replies that this adapter wrote, (up, down) of others) since it serves."""
    rows = database.rows(
        "SELECT COALESCE(r.adapter, '') = ? AS own, t.value AS value, COUNT(*) AS count "
        "FROM ratings t JOIN replies r ON r.id = t.reply_id WHERE t.created >= "
        "(SELECT since FROM champions WHERE kind = 'dialogue' AND until IS NULL) GROUP BY 1, 2",
        name,
    )
    counts = {(bool(row["own"]), row["value"]): row["count"] for row in rows}
    own, others = ((counts.get((o, 1), 0), counts.get((o, -1), 0)) for o in (True, False))
    return own, others
