"""Why an adapter may not serve: decided from its card alone, each reason with its case."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

FORGETTING = 0.10  # loss on unrelated text, relative, at most above the base
STOPPING = 0.9  # share of the replies that end by themselves, at least
PARITY = 0.02  # relative: the loss of what lies on disk and of what was trained
CONTRADICTING = 0.01  # share of the replies that could be compared with the documents, at most
LIKELIER = 0.01  # nats per token that a better reply may become less likely by preferences
WORSE = 0.02  # relative: held-out loss above the adapter that preferences began with, at most
FEW = 2  # such replies are no pattern yet below it
ROUNDING = 1e-6
SHARES = {  # higher is better
    "answered": "answerable questions that it answers",
    "supported": "replies that their passages support",
    "right_abstain": "unanswerable questions that it does not answer",
    "language": "replies in the customer's language",
}


def failures(card: Mapping[str, Any]) -> tuple[str, ...]:
    """A sentence for each reason, of the card's `comparison`; () when nothing speaks against it.

    Without a comparison nothing can be judged here: ().
    """
    result = card.get("comparison")
    if not result:
        return ()
    candidate, base = result["contenders"]["candidate"], result["contenders"]["base"]
    found = []
    forgotten = candidate["unrelated_loss"] / base["unrelated_loss"] - 1
    if forgotten > FORGETTING:
        found.append(f"It forgets: its loss on unrelated text is {forgotten:.1%} above the base's.")
    if candidate["stop_rate"] < STOPPING:
        case = _first(result, lambda row: not row["stopped"])
        found.append(f"Only {candidate['stop_rate']:.0%} of its replies end by themselves{case}.")
    for before, change in result["against"].items():
        if change["loss"][1] > ROUNDING:  # the whole interval is above zero
            found.append(f"Its held-out loss is {change['loss'][0]:.3f} above the {before}'s.")
    if result["stored_loss"] is not None:
        found += parity(card["evaluation"]["adapter_loss"], result["stored_loss"])
    found += _shares(result)
    return tuple(found)


def poisoned(card: Mapping[str, Any]) -> tuple[str, ...]:
    """() or why the data cannot be trusted: too many replies that the documents contradict.

    Those that were found are not learnt; about as many are not found (benchmarks/contradiction.py).
    """
    told = card.get("dataset", {}).get("contradicting") or {}
    dropped, compared = told.get("dropped", 0), told.get("compared", 0)
    if dropped < FEW or dropped <= CONTRADICTING * compared:
        return ()
    cases = "; ".join(f"{case['id']} ({case['note'][:200]})" for case in told["cases"])
    return (
        f"The documents contradict {dropped} of {compared} replies that could be compared with "
        f"them, and others like them may have been learnt: {cases}. Look at them with "
        "`zhike transcripts dropped --reason contradicts`, mend the documents or the transcripts "
        "and train again.",
    )


def preferred(card: Mapping[str, Any]) -> tuple[str, ...]:
    """() or what preference training did that it must not do."""
    told = card.get("preference")
    if not told:
        return ()
    found = []
    if told["margin"] <= 0:
        found.append(
            f"It does not prefer the better replies more than {told['start']} did "
            f"(margin {told['margin']:.4f})."
        )
    fell = told["before"]["chosen"] - told["after"]["chosen"]
    if fell > LIKELIER:
        found.append(f"Better replies became less likely, by {fell:.3f} nats per token.")
    worse = card["evaluation"]["adapter_loss"] / told["start_loss"] - 1
    if worse > WORSE:
        found.append(f"Its held-out loss is {worse:.1%} above that of {told['start']}.")
    return tuple(found)


def parity(trained: float, stored: float) -> list[str]:
    """[] or why the adapter on disk is not the one that was measured after the training."""
    if abs(stored / trained - 1) <= PARITY:
        return []
    return [f"On disk it has a held-out loss of {stored:.3f}, after the training {trained:.3f}."]


def _shares(result: Mapping[str, Any]) -> list[str]:
    """Shares that fell, by more than one reply could do."""
    contenders, found = result["contenders"], []
    candidate = contenders["candidate"]
    rival = "champion" if "champion" in contenders else "base"
    for name, what in SHARES.items():
        now, before = candidate[name], contenders[rival][name]
        if now is None or before is None:
            continue
        if (before - now) * candidate["replies"] > 1 + ROUNDING:
            case = _first(result, lambda row, name=name: _fails(row, name))
            found.append(f"{what.capitalize()}: {now:.0%}, the {rival} {before:.0%}{case}.")
    return found


def _fails(row: Mapping[str, Any], name: str) -> bool:
    if name == "answered":
        return bool(row["answerable"] and row["abstained"])
    if name == "right_abstain":
        return not row["answerable"] and not row["abstained"]
    return row[name] is False


def _first(result: Mapping[str, Any], fails: Any) -> str:
    """The first failing case, as the end of a sentence."""
    rows = [row for row in result["replies"]["candidate"] if fails(row)]
    if not rows:
        return ""
    return f", e.g. to “{rows[0]['question'][:80]}”: “{rows[0]['reply'][:120]}”"
