"""Every run with its figures, and which one serves. Folders under <home>/runs, rows in SQLite."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Set
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from filelock import FileLock, Timeout
from sqlite_utils import Database as Sqlite
from sqlite_utils import Migrations

from chatbot.champions import Champion, Champions
from chatbot.golden import CASE, case_id
from chatbot.model_files import folder_sha256
from finetune import bounds
from finetune.errors import NotPromotable, TrainingError, UnknownRun
from knowledge.database import Database

State = Literal["running", "done", "failed", "cancelled"]
Task = Literal["dialogue", "entities"]  # each has a champion of its own
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
migrations = Migrations("finetune")


@migrations()
def m001_runs(db: Sqlite) -> None:
    """One row a run; `card` is JSON: preset, data, funnel, evaluation, versions."""
    texts = ("preset", "state", "created", "ended", "base", "base_sha256", "dataset_sha256")
    db.table("runs").create(
        {
            "name": str,
            **dict.fromkeys(texts, str),
            "base_loss": float,
            "adapter_loss": float,
            "path": str,
            "sha256": str,
            "error": str,
            "card": str,
            "pid": int,
        },
        pk="name",
        not_null={"name", "preset", "state", "created"},
        strict=True,
    )


@dataclass(frozen=True, slots=True)
class Run:
    """One training run."""

    name: str
    preset: str
    state: State
    created: str  # ISO 8601, UTC
    ended: str | None = None
    base: str | None = None
    base_sha256: str | None = None
    dataset_sha256: str | None = None
    base_loss: float | None = None  # nats per supervised token, held out
    adapter_loss: float | None = None
    path: str | None = None  # of the adapter, absolute
    sha256: str | None = None  # of the adapter's folder
    error: str | None = None
    pid: int | None = None
    card: dict[str, Any] = field(default_factory=dict)

    @property
    def task(self) -> Task:
        """What it was trained for."""
        return "entities" if self.card.get("task") == "entities" else "dialogue"

    @property
    def change(self) -> float | None:
        """Of the held-out loss, relative: -0.25 is a quarter lower than the base."""
        if self.base_loss is None or self.adapter_loss is None:
            return None
        return self.adapter_loss / self.base_loss - 1


class Registry:
    """The runs of a home."""

    def __init__(self, database: Database, home: Path) -> None:
        self._database, self._folder = database, home / "runs"
        self._champions = Champions(database)
        database.migrate(migrations)

    def folder(self, name: str) -> Path:
        """Where a run keeps its files. Raises UnknownRun for what cannot be a name."""
        if not NAME.fullmatch(name):
            raise UnknownRun(
                f"{name!r} cannot be the name of a run. Use up to 64 letters, digits, dots, "
                "hyphens and underscores, beginning with a letter or digit."
            )
        return self._folder / name

    def reserve(self, preset: str, name: str = "") -> str:
        """A new folder; `name`, or the next free number of today. Raises TrainingError if taken."""
        today = datetime.now(UTC).strftime("%Y%m%d")
        numbered = (f"{preset}-{today}-{number}" for number in range(1, 10_000))
        for candidate in [name] if name else numbered:
            try:
                self.folder(candidate).mkdir(parents=True)
                return candidate
            except FileExistsError:
                continue
        raise TrainingError(f"There is a run {name!r} already. Choose another name.")

    def begin(self, name: str, preset: str, base: str, base_sha256: str, pid: int) -> None:
        """Enter a running run."""
        row = {"name": name, "preset": preset, "state": "running", "created": _now(), "pid": pid}
        with self._database.write() as db:
            db.table("runs").insert(row | {"base": base, "base_sha256": base_sha256})

    def again(self, name: str, base_sha256: str, pid: int) -> None:
        """Enter that an interrupted run goes on. Raises TrainingError when it may not."""
        run = self.show(name)
        if run.state not in ("failed", "cancelled"):
            raise TrainingError(f"Run {name} is {run.state}; only an interrupted one can go on.")
        if run.base_sha256 != base_sha256:
            raise TrainingError(f"Run {name}: its base model has changed since. Train again.")
        self._update(name, state="running", ended=None, error=None, pid=pid)

    def finish(
        self,
        name: str,
        dataset: str,
        losses: tuple[float | None, float | None],
        sha256: str,
        card: dict[str, Any],
        folder: str = "adapter",
    ) -> None:
        """Enter the result: losses of base and adapter, hash of the folder that holds it.

        What was taken back meanwhile stays on the card.
        """
        if taken := self.show(name).card.get("retracted"):
            card = card | {"retracted": taken}
        self._update(
            name,
            state="done",
            ended=_now(),
            dataset_sha256=dataset,
            base_loss=losses[0],
            adapter_loss=losses[1],
            path=f"{name}/{folder}",  # under runs: a home may be moved
            sha256=sha256,
            card=json.dumps(card, ensure_ascii=False),
        )

    def judge(self, name: str, verdict: dict[str, Any]) -> None:
        """Keep on the run's card what its gate said; a later verdict replaces it.

        Without the texts of golden cases whose conversation was erased while it was measured.
        """
        lost = [case for case in verdict["lost"] if case["id"] not in self._erased(verdict)]
        card = self.show(name).card | {"gate": verdict | {"lost": lost}}
        self._update(name, card=json.dumps(card, ensure_ascii=False))

    def _erased(self, verdict: dict[str, Any]) -> Set[str]:
        """Ids of lost cases that were made of a reply which is not here any more."""
        cases = {case["id"] for case in verdict["lost"] if case["id"].startswith(CASE)}
        if not cases:  # a home in which only files were learnt has no replies
            return cases
        return cases - {case_id(row["id"]) for row in self._database.rows("SELECT id FROM replies")}

    def forget_cases(self, cases: Set[str]) -> None:
        """Take golden cases out of what gates say was lost: those of erased conversations."""
        for run in self.list():
            gate = run.card.get("gate", {})
            kept = [case for case in gate.get("lost", ()) if case["id"] not in cases]
            if len(kept) < len(gate.get("lost", ())):
                self.judge(run.name, gate | {"lost": kept})

    def mark_retracted(self, name: str, conversations: Iterable[str], asked: Set[str]) -> None:
        """Enter that a run learnt from conversations that were taken back.

        What the card shows of the questions `asked` in them goes: samples, and replies that were
        compared.
        """
        card = self.show(name).card
        ids = sorted({*card.get("retracted", ()), *conversations})
        if samples := card.get("evaluation", {}).get("samples"):
            card["evaluation"]["samples"] = [s for s in samples if s["question"] not in asked]
        for contender, rows in card.get("comparison", {}).get("replies", {}).items():
            card["comparison"]["replies"][contender] = [
                row for row in rows if row["question"] not in asked
            ]
        self._update(name, card=json.dumps(card | {"retracted": ids}, ensure_ascii=False))

    def end(self, name: str, state: Literal["failed", "cancelled"], error: str) -> None:
        """Enter that it ended without a result."""
        self._update(name, state=state, ended=_now(), error=error)

    def _update(self, name: str, **values: object) -> None:
        with self._database.write() as db:
            db.table("runs").update(name, values)

    def list(self) -> tuple[Run, ...]:
        """All runs, newest first."""
        self._bury()
        rows = self._database.rows("SELECT * FROM runs ORDER BY created DESC, rowid DESC")
        return tuple(self._run(row) for row in rows)

    def show(self, name: str) -> Run:
        """One run. Raises UnknownRun naming the known ones."""
        self._bury()
        row = self._database.row("SELECT * FROM runs WHERE name = ?", name)
        if row is None:
            known = ", ".join(run.name for run in self.list()[:10]) or "none yet"
            raise UnknownRun(f"There is no run {name!r}. Known: {known}.")
        return self._run(row)

    def running(self) -> Run | None:
        """The one that is being made now."""
        return next((run for run in self.list() if run.state == "running"), None)

    def serving(self, task: Task = "dialogue") -> Champion | None:
        """The promoted adapter or tagger, whatever its share of the sessions."""
        return self._champions.current(task)

    def serves(self, run: Run) -> bool:
        """Whether it is the promoted one of its task."""
        champion = self.serving(run.task)
        return champion is not None and champion.name == run.name

    def compared(self, name: str, comparison: dict[str, Any]) -> Run:
        """Enter what finetune.comparison found, beside what the training left."""
        card = self.show(name).card | {"comparison": comparison}
        self._update(name, card=json.dumps(card, ensure_ascii=False))
        return self.show(name)

    def promote(
        self, name: str, share: float = 1.0, *, force: bool = False, reason: str = ""
    ) -> Champion:
        """Let a run's adapter serve `share` (0..1) of the sessions from the next turn on, or its
        tagger all of them.

        Raises NotPromotable when it is not done, its files changed, a tagger is an encoder, or for
        what problems() names. With `force` the last are written on its card instead, with `reason`.
        """
        run = self.show(name)
        if not 0 < share <= 1:
            raise NotPromotable(f"The share must be above 0 and at most 1, not {share}.")
        if run.state != "done" or run.path is None or run.sha256 is None:
            raise NotPromotable(f"Run {name} is {run.state}, only a finished one can be promoted.")
        if run.task == "entities":
            _check_tagger(run, share)
        if not Path(run.path).is_dir() or folder_sha256(Path(run.path)) != run.sha256:
            raise NotPromotable(
                f"Run {name}: the files in {run.path} are not those that were trained. "
                "Restore them or train again."
            )
        problems = self.problems(run)
        if problems and not force:
            raise NotPromotable(f"Run {name} may not serve. {' '.join(problems)}")
        if problems and not reason.strip():
            raise NotPromotable("Forcing it needs a reason, which is written on the run's card.")
        if problems:
            forced = {"at": _now(), "reason": reason, "in_spite_of": problems}
            card = json.dumps(run.card | {"forced": forced}, ensure_ascii=False)
            self._update(name, card=card)
        champion = Champion(run.name, run.path, run.sha256, share)
        self._champions.promote(run.task, champion)
        return champion

    def problems(self, run: Run) -> tuple[str, ...]:
        """What speaks against a finished run, a sentence each: a held-out loss that is not below
        its base's, its comparison (bounds.py), its gate (gate.py); of a tagger its report."""
        card = run.card
        if run.task == "entities":
            right = card["report"]["f1"] > 0
            return () if right else ("It marks no held-out span right. Add marked texts.",)
        found = (*bounds.failures(card), *bounds.poisoned(card), *bounds.preferred(card))
        if taken := run.card.get("retracted"):
            found = (
                *found,
                f"It learnt from {len(taken)} conversations that were taken back. Train again.",
            )
        champion = run.card.get("began_with") or {}
        if run.adapter_loss is not None and run.adapter_loss >= champion.get("loss", float("inf")):
            found = (
                *found,
                f"It answers held-out questions no better than {champion['name']}, with which it "
                f"began (loss {run.adapter_loss:.3f} against {champion['loss']:.3f}).",
            )
        if failed := run.card.get("gate", {}).get("failed", ()):
            lost = f"`zhike runs show {run.name}` names the questions that it loses."
            found = (*found, f"It did not pass its gate: {' '.join(failed)} {lost}")
        if run.change is None or run.change >= 0:
            worse = (
                f"It answers held-out questions no better than its base (loss "
                f"{run.adapter_loss:.3f} against {run.base_loss:.3f}). Train with more transcripts."
            )
            return (worse, *found)
        return found

    def rollback(self, task: Task = "dialogue") -> Champion | None:
        """What served before serves again; None is the base, or no tagger. Raises NotFound if
        nothing does."""
        return self._champions.rollback(task)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the place of the one run at a time; freed when the process ends, however it ends.

        Raises TrainingError when another process holds it.
        """
        lock = self._lock()
        try:
            lock.acquire(timeout=1)  # list() holds it for moments only
        except Timeout:
            row = self._database.row("SELECT name FROM runs WHERE state = 'running'")
            named = f" ({row['name']})" if row else ""
            raise TrainingError(
                f"A run is being made already{named}. Wait for it or cancel it."
            ) from None
        try:
            self._bury_all()
            yield
        finally:
            lock.release()

    def _lock(self) -> FileLock:
        self._folder.mkdir(parents=True, exist_ok=True)
        return FileLock(self._folder / ".lock")

    def _bury(self) -> None:
        """A run that is entered as running while nobody holds the lock lost its process."""
        if not self._database.row("SELECT 1 FROM runs WHERE state = 'running'"):
            return
        lock = self._lock()
        try:
            lock.acquire(blocking=False)
        except Timeout:
            return
        try:
            self._bury_all()
        finally:
            lock.release()

    def _bury_all(self) -> None:
        reason = (
            "Its process ended without a result (killed, or out of memory). "
            "Continue it or train again."
        )
        with self._database.write() as db:
            db.execute(
                "UPDATE runs SET state = 'failed', ended = ?, error = ? WHERE state = 'running'",
                [_now(), reason],
            )

    def _run(self, row: dict[str, Any]) -> Run:
        path = str(self._folder / row["path"]) if row["path"] else None
        return Run(**row | {"path": path, "card": json.loads(row["card"] or "{}")})


def opened(home: Path) -> Registry:
    """The registry of a home, with a database connection of its own."""
    return Registry(Database(home / "zhike.db"), home)


def _check_tagger(run: Run, share: float) -> None:
    if run.card.get("engine") != "crf":
        raise NotPromotable(
            f"Run {run.name} is an encoder, which would load torch in the server and add its pass "
            "to every turn; only a CRF serves. Train one on the same file: zhike train --task "
            "entities --engine crf --data FILE"
        )
    if share != 1:
        raise NotPromotable(f"Run {run.name} is a tagger, which serves all sessions. Share 1 only.")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
