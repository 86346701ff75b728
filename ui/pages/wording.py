"""A message in its second language, as staff read it below the message itself."""

from __future__ import annotations

from collections.abc import Sequence

from chatbot.fidelity import Differences, differences
from chatbot.store import Turn
from chatbot.translated import Wording
from ui import render
from ui.texts import Texts


def below(turn: Turn, wordings: Sequence[Wording], words: Texts) -> str:
    """The customer's message in the language of the desk; what an agent's was translated from."""
    said = turn.message.text
    if turn.message.role == "agent":
        return "".join(_behind(wording, said, words) for wording in wordings)
    own = [wording for wording in wordings if wording.language == words.language]
    return "".join(_translation(wording, said, words) for wording in own)


def differs(found: Differences, words: Texts) -> str:
    """One line that names what does not fit; "" where all fits."""
    parts = [
        words(f"wording.{key}", what=", ".join(what))
        for key, what in (("missing", found.missing), ("added", found.added))
        if what
    ]
    return warning(f"{words('wording.differs')} {'; '.join(parts)}") if parts else ""


def warning(text: str) -> str:
    return f'<p class="differs">{render.plain(text)}</p>'


def language(code: str, words: Texts) -> str:
    """Its name, where there is one."""
    return words.named("tongue", code)


def _translation(wording: Wording, said: str, words: Texts) -> str:
    label = render.plain(words("wording.machine", engine=wording.engine))
    same = warning(words("wording.unchanged")) if wording.text == said else ""
    return (
        f'<div class="wording" lang="{render.plain(wording.language)}"><span class="by">{label}'
        f'</span><div class="said">{render.plain(wording.text)}</div>'
        f"{same or differs(differences(said, wording.text), words)}</div>"
    )


def _behind(wording: Wording, sent: str, words: Texts) -> str:
    name = language(wording.language, words)
    label = render.plain(words("wording.behind", language=name, engine=wording.engine))
    return (
        f'<details class="wording"><summary class="by">{label}</summary>'
        f'<div class="said" lang="{render.plain(wording.language)}">{render.plain(wording.text)}'
        f"</div></details>{differs(differences(wording.text, sent), words)}"
    )
