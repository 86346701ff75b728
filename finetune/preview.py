"""What a run would learn from some files, and what it would cost: looked at before it starts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from chatbot.errors import ModelError
from chatbot.models import find, manifest_of
from finetune import config, memory
from finetune.cleaning import Cleaned, cleaned
from finetune.documents import Documents
from finetune.errors import FinetuneError
from finetune.evidence import Search
from finetune.examples import Example, encode
from finetune.job import Job
from finetune.pairs import Pair
from finetune.put_back import PutBack
from finetune.registry import Registry
from finetune.sheets import Sheet, sheets
from finetune.survey import Survey
from finetune.transcripts import BadRow, Layouts, files
from knowledge.database import Database
from knowledge.types import Passage

TRIED = 24  # replies of which the length in tokens is taken
# Weights × tokens a second, forward and back: 300 tokens of the packaged 135M on one thread.
WORK = 4e10
BESIDE = 1.3  # of the time of training: measuring before and after, written samples, saving


@dataclass(frozen=True, slots=True)
class Look:
    """Files as a run would read them; all texts are masked."""

    survey: Survey
    sheets: tuple[Sheet, ...]
    cleaned: Cleaned | None  # None when nothing could be read; `wrong` says why
    wrong: str = ""
    bad: tuple[BadRow, ...] = ()
    put_back: frozenset[str] = frozenset()
    examples: tuple[Example, ...] = field(default=(), repr=False)

    @property
    def returned(self) -> tuple[Pair, ...]:
        """The rows that people put back, of those that are learnt."""
        rows = self.cleaned.pairs if self.cleaned else ()
        return tuple(pair for pair in rows if pair.id in self.put_back)


@dataclass(frozen=True, slots=True)
class Cost:
    """A preset on these files."""

    preset: str
    minutes: float  # about, and at most `most`
    most: float
    passes: float  # over the data, in that time
    bytes: int  # of memory at the peak
    free: int | None

    @property
    def fits(self) -> bool:
        """Whether the memory is there; where that is not known it counts as there."""
        return self.free is None or self.bytes <= self.free


def look(
    database: Database,
    job: Job,
    documents: Documents | None = None,
    tell: Callable[[int], None] = lambda count: None,
) -> Look:
    """Read and clean the job's transcripts as its run would; a mapping given is remembered.

    `tell` hears of the bytes that were read. What is wrong with the files is told in the Look.
    Without the base on disk no language counts as foreign.
    """
    survey, bad = Survey(tell), list[BadRow]()
    layouts, put_back = Layouts(database), PutBack(database).ids()
    languages = None if job.all_languages else _spoken(job)
    try:
        paths, result, wrong = files(job.transcripts), None, ""
        result = cleaned(
            job.home, paths, languages, job.finetune, bad.append, job.mapping, survey, documents
        )
    except FinetuneError as error:
        paths, wrong = [path for path in job.transcripts if path.is_file()], str(error)
    heads = tuple(sheets(paths, layouts))
    return Look(survey, heads, result, wrong, tuple(bad), put_back)


def _spoken(job: Job) -> frozenset[str] | None:
    try:
        languages = manifest_of(find(job.models, job.model, job.revision)).get("languages")
    except ModelError:
        return None  # the files can be looked at before there is a base
    return frozenset(languages) if languages else None


def tokenizer_of(job: Job) -> Any:
    """Of the job's base. Raises ModelError."""
    from transformers import AutoTokenizer  # slow to import

    folder = find(job.models, job.model, job.revision)
    return AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)


def tried(
    pairs: Sequence[Pair], preset: config.Preset, tokenizer: Any, search: Search | None
) -> list[Example]:
    """Some of the pairs, evenly taken, as examples of this preset."""
    step = max(1, len(pairs) // TRIED)
    some = list(pairs[::step])[:TRIED]
    return encode(some, tokenizer, search, preset.passages, preset.max_tokens)[0]


def remembered(search: Search) -> Search:
    """The same search, made once for each question."""
    known: dict[str, Sequence[Passage]] = {}

    def found(question: str) -> Sequence[Passage]:
        if question not in known:
            known[question] = search(question)
        return known[question]

    return found


def parts(example: Example, tokenizer: Any) -> tuple[str, str]:
    """The prompt, which is only read, and what the loss is taken of: the reply and its end."""
    return tokenizer.decode(example.prompt), tokenizer.decode(example.ids[-example.supervised :])


def costs(
    pairs: Sequence[Pair],
    job: Job,
    registry: Registry,
    tried_of: Mapping[str, Sequence[Example]],
) -> list[Cost]:
    """Of every preset, quickest first; `tried_of`: preset → some examples, as tried() makes them.

    The speed is that of the latest run on this base and preset, else by the size of the base.
    """
    folder, found = find(job.models, job.model, job.revision), []
    free, weight = memory.free(), memory.weight_bytes()
    for name in config.names():
        preset, some = config.load(name), tried_of.get(name) or ()
        if not some:
            continue
        tokens = sum(len(one.ids) for one in some) / len(some)
        speed = _speed(registry, name, job.model) or WORK / memory.weights(folder)
        one_pass = len(pairs) * tokens / speed / 60
        minutes = min(preset.max_minutes, one_pass * preset.epochs * BESIDE)
        passes = min(preset.epochs, minutes / BESIDE / one_pass) if one_pass else preset.epochs
        peak = memory.needed(folder, preset, weight=weight)
        found.append(Cost(name, minutes, preset.max_minutes, passes, peak, free))
    return found


def _speed(registry: Registry, preset: str, base: str) -> float | None:
    """Real tokens a second, as the latest finished run was trained; None without one."""
    for run in registry.list():
        if run.state == "done" and run.preset == preset and run.base == base:
            speed = run.card.get("tokens_per_second")
            if speed:
                return float(speed)
    return None
