"""What leaves this machine for an engine on another one, and how its answer is read back.

Personal data goes out as placeholders, in the question, the history and the passages alike; a
placeholder that stands for something in what was sent becomes it again in the answer, which the
grounding check compares with the passages as they are.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from chatbot.generation.protocol import Request, Translation
from chatbot.masking import PLACEHOLDER, Masker, Original
from chatbot.prompt import chat

# The server renders the chat template, so text that spells one of its control tokens would open
# a turn of its own. Which model it serves is not known here: the marks of the usual families.
CONTROL = re.compile(
    r"<[|｜][^<>|｜\n]{1,40}[|｜]>"  # ChatML, Llama 3, Phi, GLM, DeepSeek
    r"|</?(?:s|bos|eos|pad|unk|think|start_of_turn|end_of_turn)>"
    r"|\[/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS)\]|<</?SYS>>",
    re.IGNORECASE,
)
LONGEST = 40  # characters of a placeholder that may be split between two pieces
THINK, THOUGHT = "<think>", "</think>"


@dataclass(frozen=True, slots=True)
class Outgoing:
    """The chat messages as they are sent, and what the placeholders made for them stand for."""

    chat: list[dict[str, str]]
    originals: dict[str, str]


def outgoing(request: Request) -> Outgoing:
    """The prompt (chatbot/prompt.py) over masked question, history and evidence, or over the
    masked text that is to be translated."""
    if isinstance(request, Translation):
        said: tuple[str, ...] = (request.text,)
    else:
        said = (request.question, *(message.text for message in request.history))
    masker = Masker(_taken(" ".join(said)))
    sent = chat(_masked(request, masker))
    sent = [turn | {"content": CONTROL.sub(" ", turn["content"])} for turn in sent]
    return Outgoing(sent, {o.placeholder: o.value for o in masker.new})


def _masked(request: Request, masker: Masker) -> Request:
    def masked(text: str) -> str:
        return masker.mask(text, "secret")  # a link in a document is often the answer

    if isinstance(request, Translation):
        return replace(request, text=masked(request.text))
    return replace(
        request,
        question=masked(request.question),
        history=tuple(replace(m, text=masked(m.text)) for m in request.history),
        evidence=tuple(
            replace(p, text=masked(p.text), heading=masked(p.heading)) for p in request.evidence
        ),
    )


def _taken(text: str) -> list[Original]:
    """Placeholders that the conversation has already: new ones are numbered behind them."""
    found = dict.fromkeys(PLACEHOLDER.findall(text))
    return [Original(p, p[1:].rsplit("_", 1)[0].lower(), p) for p in found]


class Returned:
    """The answer's pieces: placeholders turned back, the model's thinking left out."""

    def __init__(self, originals: dict[str, str]) -> None:
        self._originals = originals
        self._held = ""  # the beginning of a placeholder, perhaps
        self._thinking: bool | None = None  # None: the answer has not begun
        self._thought = False  # the break behind the thinking is left out too

    def feed(self, text: str) -> str:
        """What can be shown now; the rest is kept until more comes."""
        text, self._held = self._held + text, ""
        if self._thinking is not False:
            text = self._after_thinking(text)
        if self._thought:
            text = text.lstrip()
            self._thought = not text
        cut = text.rfind("[")
        if cut >= 0 and "]" not in text[cut:] and len(text) - cut < LONGEST:
            text, self._held = text[:cut], text[cut:]
        return PLACEHOLDER.sub(lambda m: self._originals.get(m.group(), m.group()), text)

    def rest(self) -> str:
        """What was kept when the answer ended."""
        text, self._held = self._held, ""
        return "" if self._thinking else text

    def _after_thinking(self, text: str) -> str:
        """Nothing while the model thinks aloud; then the text behind it."""
        begun = text.lstrip()
        if self._thinking is None:
            if len(begun) < len(THINK) and THINK.startswith(begun):
                self._held = text
                return ""
            self._thinking = begun.startswith(THINK)
        if not self._thinking:
            return text
        if THOUGHT not in begun:
            self._held = begun[-len(THOUGHT) :]
            return ""
        self._thinking, self._thought = False, True
        return begun.split(THOUGHT, 1)[1]
