"""The desk's training: start a run, watch its loss, promote an adapter or tagger, roll back."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from chatbot.app import App
from chatbot.errors import ChatbotError
from finetune import config, metrics, train
from finetune.checkpoints import can_resume
from finetune.errors import FinetuneError
from finetune.metrics import Metric
from finetune.registry import Registry, Run
from finetune.transcripts import SUFFIXES
from ui import render, transcripts
from ui.job import job_of
from ui.labels import Labels
from ui.pages.lessons import LessonsCard
from ui.pages.look import SHOP, LookCard
from ui.pages.tagger import TaggerCard
from ui.settings import Settings
from ui.texts import Texts, texts

QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
MEAN = 8  # steps that one point of the training curve averages
EVERY = 3  # seconds between two looks at a running run
SHARES = (100, 50, 20, 10, 5)  # percent of the conversations that a promoted run answers


class TrainingTab:
    """What staff do with their own model."""

    def __init__(self, app: App, settings: Settings, labels: Labels) -> None:
        self._settings = settings
        self._registry = Registry(app.database, settings.home)
        self._labels = labels
        self._lessons = LessonsCard(app, settings, labels)
        self._look = LookCard(app, settings, labels)
        self._tagger = TaggerCard(settings, labels)
        self.filled: list[Any] = []

    def build(self, language: gr.Radio) -> None:
        """The tab's components and their events."""
        self._language = language
        self._start_section()
        self._lessons.build(language, self._preset)
        self._tagged = self._tagger.build(language)
        self._runs_section()
        self.filled = [self._now, self._timer, self._cancel, self._resume, self._runs, self._run]
        self.filled += self._lessons.filled
        self._events()

    def fill(self, language: str, lessons: bool = True) -> dict[Any, Any]:
        """Values for `filled`: what is being trained now, all runs, and proposed lessons."""
        words = texts(language)
        runs = self._registry.list()
        current = next((run for run in runs if run.state == "running"), None)
        latest = current or (runs[0] if runs else None)
        moments = metrics.read(self._registry.folder(latest.name)) if latest else ()
        return {
            self._now: _now(current, moments, words),
            self._timer: gr.update(active=current is not None),
            self._cancel: gr.update(visible=current is not None),
            self._resume: gr.update(
                visible=current is None and self._interrupted(runs) is not None
            ),
            self._runs: _table(runs, self._serving, words),
            self._run: gr.update(choices=[run.name for run in runs if run.state == "done"]),
            **(self._lessons.fill(language) if lessons else {}),
        }

    def _start_section(self) -> None:
        add = self._labels.add
        presets = list(config.names())
        with gr.Column(elem_classes="card"):
            add(gr.Markdown(), value=_heading)
            with gr.Row(equal_height=False):
                self._source = add(
                    gr.Radio(value="samples", elem_id="source", scale=2),
                    label="training.source",
                    choices=lambda words: [
                        (words(f"training.{s}"), s) for s in ("samples", "upload")
                    ],
                )
                self._preset = add(
                    gr.Dropdown(presets, value=presets[0], scale=1, elem_id="preset"),
                    label="training.preset",
                )
            self._files = add(
                gr.File(
                    file_count="multiple",
                    file_types=list(SUFFIXES),
                    height=120,
                    visible=False,
                    elem_id="transcripts",
                ),
                label="training.files",
            )
            self._look.build(self._language, self._source, self._files)
            with gr.Row(elem_classes="buttons"):
                self._start = add(
                    gr.Button(variant="primary", size="sm", elem_id="train"), value="training.start"
                )
                self._cancel = add(gr.Button(size="sm", visible=False), value="training.cancel")
                self._resume = add(
                    gr.Button(size="sm", visible=False, elem_id="resume"), value="training.resume"
                )
            self._said = gr.Markdown("", elem_id="training-said")
            self._followed: gr.State = gr.State("")  # the run that was started on this page
            self._now = gr.Markdown("", elem_id="training-now")
            self._timer = gr.Timer(EVERY, active=False)

    def _runs_section(self) -> None:
        add = self._labels.add
        with gr.Column(elem_classes="card"):
            add(gr.Markdown(), value=_runs_heading)
            self._runs = gr.Markdown("", elem_id="runs")
            with gr.Row(elem_classes="buttons", equal_height=False):
                self._run = add(gr.Dropdown([], elem_id="run"), label="training.run")
                self._share = add(
                    gr.Dropdown(list(SHARES), value=SHARES[0], elem_id="share"),
                    label="training.share",
                    choices=_shares,
                )
            with gr.Row(elem_classes="buttons"):
                self._promote = add(
                    gr.Button(size="sm", variant="primary", elem_id="promote"),
                    value="training.promote",
                )
                self._back = add(
                    gr.Button(size="sm", elem_id="rollback"), value="training.rollback"
                )
            self._changed = gr.Markdown("", elem_id="training-changed")

    def _events(self) -> None:
        language, again = self._language, (self.fill, self._language, self.filled)
        said = [self._said, self._followed]
        follow = (self._follow, [self._followed, language], [*self.filled, *said])
        self._source.change(
            lambda source: gr.update(visible=source == "upload"), self._source, self._files, **QUIET
        )
        self._start.click(
            self._started,
            [self._source, self._files, self._preset, language],
            [*said, self._files],
            concurrency_limit=1,
            **QUIET,
        ).then(*follow, **QUIET)
        self._cancel.click(
            lambda: (train.cancel(self._settings.home), "")[1], None, self._said, **QUIET
        ).then(*follow, **QUIET)
        self._resume.click(self._resumed, language, said, concurrency_limit=1, **QUIET).then(
            *follow, **QUIET
        )
        self._timer.tick(*follow, **QUIET)
        self._tagged.then(*again, **QUIET)
        for button, act, given in (
            (self._promote, self._promoted, [self._run, self._share, language]),
            (self._back, self._rolled_back, [self._run, language]),
        ):
            button.click(act, given, self._changed, **QUIET).then(*again, **QUIET)

    def _started(
        self, source: str, uploaded: list[str] | None, preset: str, language: str
    ) -> list[Any]:
        """Start a run; what to say, its name when it began, and no files: they are moved away."""
        words, own = texts(language), source == "upload"
        if own and not uploaded:
            return [_problem(words("training.nothing")), "", None]
        try:
            name = self._start_with(uploaded or [], preset) if own else self._run_of(SHOP, preset)
        except (FinetuneError, ChatbotError) as error:
            return [_problem(words("desk.failed", error=error)), "", None]
        return [_done(words("training.starting", name=name)), name, None]

    def _start_with(self, uploaded: Sequence[str], preset: str) -> str:
        """A run on uploaded files, which are deleted when it ends or cannot begin."""
        kept = transcripts.keep(self._settings.home, uploaded)
        try:
            name = self._run_of(kept, preset)
        except BaseException:
            transcripts.drop(kept)
            raise
        transcripts.drop_after_run(self._settings.home)
        return name

    def _run_of(self, paths: tuple[Path, ...], preset: str) -> str:
        return train.start(job_of(self._settings, paths, preset=preset))

    def _interrupted(self, runs: Sequence[Run]) -> Run | None:
        """The newest run, if it ended early and can go on."""
        ended = [run for run in runs[:1] if run.state in ("failed", "cancelled")]
        return next((r for r in ended if can_resume(self._registry.folder(r.name))), None)

    def _resumed(self, language: str) -> list[str]:
        """Let the interrupted run go on; what to say, and its name when it does."""
        words, run = texts(language), self._interrupted(self._registry.list())
        if run is None:
            return [_problem(words("training.choose")), ""]
        try:
            name = train.start(job_of(self._settings, resume=run.name))
        except (FinetuneError, ChatbotError) as error:
            return [_problem(words("desk.failed", error=error)), ""]
        return [_done(words("training.starting", name=name)), name]

    def _follow(self, followed: str, language: str) -> dict[Any, Any]:
        """What fill() shows; once the started run has ended, how it ended instead of its start."""
        shown = self.fill(language, lessons=False)  # a tick would undo what is chosen
        run = self._registry.show(followed) if followed else None
        if run is None or run.state == "running":
            return shown
        words = texts(language)
        said = words("training.ended", name=run.name, state=words.named("state", run.state))
        say = _problem if run.state == "failed" else _done
        return shown | {self._said: say(said), self._followed: ""}

    def _serving(self, run: Run) -> float | None:
        """The share of the conversations that it serves, above 0 to 1; None: none."""
        champion = self._registry.serving(run.task)
        return champion.share if champion and champion.name == run.name else None

    def _promoted(self, name: str | None, percent: int, language: str) -> str:
        """Let it serve; below 100 percent on trial, until it is rated worse than the others."""
        words = texts(language)
        if not name:
            return _problem(words("training.choose"))
        try:
            champion = self._registry.promote(name, percent / 100)
        except FinetuneError as error:
            return _problem(words("desk.failed", error=error))
        if champion.share < 1:
            return _done(words("training.tried", name=name, percent=percent))
        return _done(words(f"training.promoted_{self._registry.show(name).task}", name=name))

    def _rolled_back(self, chosen: str | None, language: str) -> str:
        """Take back the adapter; the tagger, when one is chosen."""
        words = texts(language)
        try:
            task = self._registry.show(chosen).task if chosen else "dialogue"
            champion = self._registry.rollback(task)
        except (FinetuneError, ChatbotError) as error:
            return _problem(words("desk.failed", error=error))
        if champion is None:
            return _done(words(f"training.none_{task}"))
        return _done(words(f"training.rolled_back_{task}", name=champion.name))


def _heading(words: Texts) -> str:
    title, lead = (render.plain(words(f"training.{k}")) for k in ("title", "lead"))
    return f'<div class="heading"><h2>{title}</h2><p>{lead}</p></div>'


def _runs_heading(words: Texts) -> str:
    return f'<div class="heading"><h2>{render.plain(words("training.runs"))}</h2></div>'


def _shares(words: Texts) -> list[tuple[str, int]]:
    all_ = [(words("training.share_all"), SHARES[0])]
    return all_ + [(words("training.share_part", percent=part), part) for part in SHARES[1:]]


def _problem(text: str) -> str:
    return f'<p class="problem">{render.plain(text)}</p>'


def _done(text: str) -> str:
    return f'<p class="done">{render.plain(text)}</p>'


def _now(current: Run | None, moments: Sequence[Metric], words: Texts) -> str:
    """What is being trained, and the curve of it or of the latest run."""
    curve = _curve(moments, words)
    if current is None:
        return f'<div><p class="hint">{render.plain(words("training.idle"))}</p>{curve}</div>'
    last = moments[-1] if moments else Metric("reading")
    losses = [m.loss for m in moments if m.loss is not None]
    line = words(
        "training.running",
        name=current.name,
        step=f"{last.step}/{last.steps}" if last.steps else last.stage,
        loss=f"{losses[-1]:.3f}" if losses else "–",
        eta=_duration(last.eta_seconds),
    )
    return f'<div><p class="working">{render.plain(line)}</p>{curve}</div>'


def _duration(seconds: float | None) -> str:
    return "–" if seconds is None else f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def _curve(moments: Sequence[Metric], words: Texts) -> str:
    """The loss over the steps as an SVG picture; empty before the second point."""
    points = _mean([(m.step, m.loss) for m in moments if m.loss is not None])
    held_out = _held_out(moments)
    values = [value for _, value in points + held_out]
    if len(points) < 2:
        return ""
    right, low, high = max(step for step, _ in points + held_out), min(values), max(values)
    low, high = low - 0.05 * (high - low or 1), high + 0.05 * (high - low or 1)

    def at(step: int, value: float) -> str:
        return f"{50 + 690 * step / right:.1f},{210 - 190 * (value - low) / (high - low):.1f}"

    measured = [at(*p) for p in held_out]
    dots = _line(measured, "#0f6b62", "training.held_out", 230, words, dots=True)
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 760 250" font-family="sans-serif" '
        f'font-size="12" fill="#5d6a66">{_grid(low, high)}'
        f'<text x="740" y="232" text-anchor="end">{right} {render.plain(words("training.steps"))}'
        f"</text>{_line([at(*p) for p in points], '#8fc4b8', 'training.loss', 60, words)}"
        f"{dots}</svg>"
    )
    data = base64.b64encode(svg.encode()).decode()
    alt = render.plain(words("training.curve"))
    return (
        f'<div class="curve"><p class="hint">{alt}</p>'
        f'<img alt="{alt}" src="data:image/svg+xml;base64,{data}"></div>'
    )


def _held_out(moments: Sequence[Metric]) -> list[tuple[int, float]]:
    """By step. What is measured after the training has no step of its own: it is the last one."""
    last = max((m.step for m in moments), default=0)
    found = {
        m.step if m.stage == "training" else last: m.held_out_loss
        for m in moments
        if m.held_out_loss is not None
    }
    return sorted(found.items())


def _mean(points: Sequence[tuple[int, float]]) -> list[tuple[int, float]]:
    """Each point averaged with those before it: single steps jump too much to be read."""
    windows = (points[max(0, n - MEAN) : n] for n in range(1, len(points) + 1))
    return [(window[-1][0], sum(v for _, v in window) / len(window)) for window in windows]


def _grid(low: float, high: float) -> str:
    lines = []
    for part in range(5):
        y, value = 210 - 190 * part / 4, low + (high - low) * part / 4
        lines.append(
            f'<line x1="50" x2="740" y1="{y:.1f}" y2="{y:.1f}" stroke="#e1e7e4"/>'
            f'<text x="42" y="{y + 4:.1f}" text-anchor="end">{value:.2f}</text>'
        )
    return "".join(lines)


def _line(
    points: list[str], colour: str, label: str, x: int, words: Texts, *, dots: bool = False
) -> str:
    """A curve with its entry in the legend."""
    marks = "".join(
        f'<circle cx="{p.split(",")[0]}" cy="{p.split(",")[1]}" r="4" fill="{colour}"/>'
        for p in (points if dots else ())
    )
    return (
        f'<polyline points="{" ".join(points)}" fill="none" stroke="{colour}" stroke-width="2"/>'
        f'{marks}<rect x="{x}" y="226" width="14" height="4" fill="{colour}"/>'
        f'<text x="{x + 20}" y="232">{render.plain(words(label))}</text>'
    )


def _table(runs: Sequence[Run], share: Callable[[Run], float | None], words: Texts) -> str:
    if not runs:
        return f'<p class="hint">{render.plain(words("training.empty"))}</p>'
    names = ("run", "preset", "state", "created", "base_loss", "adapter_loss", "change", "serving")
    rows = [
        [
            run.name,
            run.preset,
            words.named("state", run.state) + (f": {run.error}" if run.error else ""),
            run.created[:16].replace("T", " "),
            _loss(run.base_loss),
            _loss(run.adapter_loss),
            f"{run.change:+.1%}" if run.change is not None else "–",
            _served(share(run)),
        ]
        for run in runs
    ]
    return render.table([words(f"training.{name}") for name in names], rows, "runs")


def _served(share: float | None) -> str:
    if share is None:
        return ""
    return "●" if share == 1 else f"● {share:.0%}"


def _loss(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
