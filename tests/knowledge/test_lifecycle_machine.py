"""Any order of events in the life of documents, compared with a plain dictionary."""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from knowledge.database import Database
from knowledge.errors import NotFound
from knowledge.integrity import problems
from knowledge.knowledge_base import KnowledgeBase
from knowledge.settings import KnowledgeSettings
from knowledge.versions import KEPT

from .hashing import HashingEmbedder

RUNS = int(os.environ.get("ZHIKE_RUNS", "8"))
STEPS = 50 if RUNS >= 100 else 30
MEMORY = Path("/dev/shm")  # thousands of commits: no disk is waited for where there is one
NAMES = ("a.md", "b.md", "c.csv")
WORDS = ("wren", "robin", "stork", "heron", "crane")  # what a version may say
PAST, FUTURE = (str(date.today() + timedelta(days)) for days in (-7, 7))  # midnight may pass
DATES = {  # (first day, last day): whether a document is valid today
    ("", ""): True,
    (PAST, FUTURE): True,
    ("", PAST): False,
    (FUTURE, ""): False,
}


@dataclass(frozen=True)
class Expected:
    """A document as the plain dictionary knows it; a text is a tuple of words."""

    text: tuple[str, ...]
    before: tuple[tuple[int, tuple[str, ...]], ...] = ()  # (number, text), oldest first
    draft: tuple[int, tuple[str, ...]] | None = None
    number: int = 1
    published: bool = True
    enabled: bool = True
    valid: bool = True

    @property
    def found(self) -> bool:
        return self.published and self.enabled and self.valid

    def superseded(self, text: tuple[str, ...], number: int = 0) -> Expected:
        if number <= self.number:
            number = max(self.number, self.draft[0] if self.draft else 0) + 1
        before = (*self.before, (self.number, self.text))[-KEPT:]
        return replace(self, text=text, before=before, number=number)


def written(name: str, text: tuple[str, ...]) -> str:
    if name.endswith(".csv"):
        return "q,a\n" + "".join(f"what is a {word} like,A {word} sings.\n" for word in text)
    return "# Birds\n" + "".join(f"\n## About {w}\n\nThe {w} sings.\n" for w in text)


@dataclass
class Home:
    """The real thing."""

    path: Path = field(
        default_factory=lambda: Path(
            tempfile.mkdtemp(prefix="zhike-machine-", dir=MEMORY if MEMORY.is_dir() else None)
        )
    )
    embedder: HashingEmbedder = field(default_factory=HashingEmbedder)

    def open(self) -> None:
        self.database = Database(self.path / "zhike.db")
        self.base = KnowledgeBase(
            self.database, self.path / "index", self.embedder, KnowledgeSettings(index="exact")
        )

    def close(self) -> None:
        self.base.close()
        self.database.close()

    def add(self, name: str, text: tuple[str, ...]) -> str:
        path = self.path / name
        path.write_text(written(name, text), encoding="utf-8")
        (ingested,) = self.base.add([path])
        path.unlink()
        assert ingested.error is None
        return ingested.status

    def id(self, name: str) -> str:
        return self.base.find(name).id


names = st.sampled_from(NAMES)
texts = st.lists(st.sampled_from(WORDS), min_size=1, max_size=4, unique=True).map(tuple)


class Life(RuleBasedStateMachine):
    """Adds, replaces, hides, dates, publishes, rolls back, removes, restarts."""

    @initialize()
    def begin(self) -> None:
        self.home = Home()
        self.home.open()
        self.expected: dict[str, Expected] = {}
        self.review = False

    def teardown(self) -> None:
        if hasattr(self, "home"):
            self.home.close()
            shutil.rmtree(self.home.path)

    @rule(name=names, text=texts)
    def add(self, name: str, text: tuple[str, ...]) -> None:
        status = self.home.add(name, text)
        old = self.expected.get(name)
        newest = old and (old.draft[1] if old.draft else old.text)
        assert status == ("unchanged" if newest == text else "added")
        if newest == text:
            return
        if old is None:
            self.expected[name] = Expected(text, published=not self.review)
        elif self.review and old.published:
            number = max(old.number, old.draft[0] if old.draft else 0) + 1
            self.expected[name] = replace(old, draft=(number, text))
        else:
            self.expected[name] = replace(old.superseded(text), draft=None)

    @rule(on=st.booleans())
    def set_review(self, on: bool) -> None:
        self.home.base.review("default", on=on)
        self.review = on

    @precondition(lambda self: self.expected)
    @rule(data=st.data(), enabled=st.booleans())
    def enable(self, data: st.DataObject, enabled: bool) -> None:
        name = self._one(data)
        self.home.base.enable(self.home.id(name), enabled=enabled)
        self.expected[name] = replace(self.expected[name], enabled=enabled)

    @precondition(lambda self: self.expected)
    @rule(data=st.data(), dates=st.sampled_from(list(DATES)))
    def date(self, data: st.DataObject, dates: tuple[str, str]) -> None:
        name = self._one(data)
        self.home.base.date(self.home.id(name), *dates)
        self.expected[name] = replace(self.expected[name], valid=DATES[dates])

    @precondition(lambda self: self.expected)
    @rule(data=st.data())
    def publish(self, data: st.DataObject) -> None:
        name = self._one(data)
        self.home.base.publish(self.home.id(name))
        known = replace(self.expected[name], published=True)
        if known.draft:
            known = replace(known, draft=None).superseded(known.draft[1], known.draft[0])
        self.expected[name] = known

    @precondition(lambda self: self.expected)
    @rule(data=st.data(), number=st.none() | st.integers(1, 9))
    def roll_back(self, data: st.DataObject, number: int | None) -> None:
        name = self._one(data)
        known = self.expected[name]
        before = dict(known.before)
        target = max(before, default=None) if number is None else number
        try:
            done = self.home.base.rollback(self.home.id(name), number)
        except NotFound:
            assert target not in before
        else:
            assert done == target
            self.expected[name] = known.superseded(before[done])

    @precondition(lambda self: self.expected)
    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        name = self._one(data)
        self.home.base.remove(name)
        del self.expected[name]

    @rule(index=st.booleans())
    def restart(self, index: bool) -> None:
        self.home.close()
        if index:
            shutil.rmtree(self.home.path / "index")
        self.home.open()

    @rule(word=st.sampled_from(WORDS))
    def search(self, word: str) -> None:
        """Each way of searching finds exactly the documents that say the word and may be found."""
        wanted = {n for n, e in self.expected.items() if e.found and word in e.text}
        base = self.home.base
        assert {p.document for p in base.search(word, limit=50) if p.keyword > 0} == wanted
        ranked = base.ranked_documents(word, 50)
        assert set(ranked["keyword"]) == wanted
        assert set(ranked["vector"]) == {n for n, e in self.expected.items() if e.found}
        match = base.match_faq(f"what is a {word} like")
        assert (match is not None) == ("c.csv" in wanted)

    @invariant()
    def all_is_as_expected(self) -> None:
        if not hasattr(self, "home"):
            return
        assert list(problems(self.home.database, self.home.path / "index")) == []
        documents = {d.path: d for d in self.home.base.documents()}
        assert documents.keys() == self.expected.keys()
        for name, known in self.expected.items():
            d = documents[name]
            assert (d.found, d.version) == (known.found, known.number)
            assert d.draft == (known.draft[0] if known.draft else None)
            texts = [c.text for c in self.home.base.chunks(d.id)]
            assert len(texts) == len(known.text)
            assert all(w in text for w, text in zip(known.text, texts, strict=True))
            history = [v.number for v in self.home.base.history(d.id) if v.state == "previous"]
            assert history == [number for number, _ in reversed(known.before)]

    def _one(self, data: st.DataObject) -> str:
        return data.draw(st.sampled_from(sorted(self.expected)))


TestLife = Life.TestCase
TestLife.settings = settings(
    max_examples=RUNS,
    stateful_step_count=STEPS,
    deadline=None,
    derandomize=RUNS < 100,  # the same few in every test run, others in the campaign
    suppress_health_check=list(HealthCheck),
)
