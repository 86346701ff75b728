"""What a look at transcripts shows: files, funnel, what is learnt of a reply, and the presets."""

from __future__ import annotations

from collections.abc import Sequence

from finetune.funnel import Step
from finetune.preview import Cost, Look
from finetune.sheets import Sheet
from ui import render
from ui.texts import Texts

BAD = 10  # unreadable rows in the list
GIB = 2**30


def files(look: Look, words: Texts) -> str:
    """Each file with its format, then what is in all of them, then the rows that are not read."""
    survey = look.survey
    rows = [
        [
            file.file,
            file.format or words("look.no_format"),
            str(survey.conversations[file.file]),
            ", ".join(f"{words.named('field', k)} = {v}" for k, v in file.columns.items()),
        ]
        for file in survey.files
    ]
    head = [words(f"look.{name}") for name in ("file", "format", "conversations", "columns")]
    speakers = _counted(survey.turns.most_common(), "speaker", words)
    languages = _counted(survey.languages.most_common(), "tongue", words)
    lines = []
    if survey.conversations.total():
        lines.append(words("look.speakers", speakers=speakers, agents=survey.agents))
        lines.append(words("look.languages", languages=languages))
        if survey.first:
            lines.append(words("look.span", first=survey.first, last=survey.last))
    if look.bad:
        lines.append(words("look.bad", count=len(look.bad)))
        lines += [f"{bad.file}:{bad.line} {bad.reason}" for bad in look.bad[:BAD]]
    told = "".join(f'<p class="hint">{render.plain(line)}</p>' for line in lines)
    return (render.table(head, rows, "results") if rows else "") + told


def _counted(counts: Sequence[tuple[str, int]], section: str, words: Texts) -> str:
    return ", ".join(f"{words.named(section, name)} {count:,}" for name, count in counts)


def sheet(shown: Sheet | None, words: Texts) -> str:
    """The first rows of a table below what each column is taken for; of a log its people."""
    if shown is None:
        return ""
    if shown.kind == "log":
        head = [words("look.person"), words("look.taken_for")]
        rows = [[name, words.named("speaker", side)] for name, side in shown.mapping.items()]
        return render.table(head, rows, "results")
    fields = {column: field for field, column in shown.mapping.items()}
    head = [
        f"{words.named('field', fields[name])} ← {name}" if name in fields else name
        for name in shown.names
    ]
    return render.table(head, [list(row) for row in shown.rows], "results")


def funnel(steps: Sequence[Step], words: Texts) -> str:
    """A bar of what each step kept, in the scale of its own unit; what it took away beside it."""
    most: dict[str, int] = {}
    for step in steps:
        most[step.unit] = max(most.get(step.unit, 1), step.kept + step.removed)
    rows = "".join(_step(step, step.kept / most[step.unit], words) for step in steps)
    title = render.plain(words("look.funnel"))
    return (
        f'<h3>{title}</h3><div class="funnel" role="img" aria-label="{title}"><table><tbody>'
        f"{rows}</tbody></table></div>"
    )


def _step(step: Step, share: float, words: Texts) -> str:
    name = words.named("cleaning", step.name.replace(" ", "-"))
    unit = words.named("unit", step.unit)
    reason = words.named("dropped", step.code) if step.code else ""
    lost = f"−{step.removed:,}" if step.removed else ""
    return (
        f'<tr title="{render.plain(reason)}"><th>{render.plain(name)}</th>'
        f'<td class="bar"><div style="width:{max(share * 100, 0.5):.1f}%"></div></td>'
        f"<td>{step.kept:,} {render.plain(unit)}</td><td>{lost}</td></tr>"
    )


def mask(prompt: str, learnt: str, words: Texts) -> str:
    """A prompt as it is served, and behind it, marked, the tokens that are learnt."""
    key = render.plain(words("look.mask"))
    return (
        f'<p class="hint">{key}</p><div class="mask"><span>{render.plain(prompt)}</span>'
        f"<mark>{render.plain(learnt)}</mark></div>"
    )


def presets(costs: Sequence[Cost], words: Texts) -> str:
    """Every preset with its time and memory."""
    head = [words(f"look.{name}") for name in ("preset", "minutes", "passes", "memory", "fits")]
    rows = [
        [
            cost.preset,
            words("look.about", minutes=_minutes(cost.minutes), most=f"{cost.most:g}"),
            f"{cost.passes:.1f}",
            f"{cost.bytes / GIB:.1f} GiB",
            words("look.yes")
            if cost.fits
            else words("look.no", free=f"{(cost.free or 0) / GIB:.1f}"),
        ]
        for cost in costs
    ]
    if not rows:
        return ""
    title = render.plain(words("look.cost"))
    return f"<h3>{title}</h3>{render.table(head, rows, 'results')}"


def _minutes(minutes: float) -> str:
    return f"{minutes:.0f}" if minutes >= 10 else f"{minutes:.1f}"
