"""Language, personal data and screen: what is found, and what is taken for it by mistake.

    python benchmarks/screen.py [--data FOLDER]

FOLDER holds the public sets, by default /work/shared/data; without it only our own sets count.
Half of bastion's malicious rows and half of pii_en's templates were looked at while the rules
were written; both halves are printed. A third of our own utterances was looked at once.
"""

from __future__ import annotations

import csv
import gzip
import json
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from environment import ROOT, described
from langdetect import DetectorFactory, LangDetectException, detect

from chatbot import labelled
from chatbot.language import spoken
from chatbot.personal_data import Span, find
from chatbot.rules import rule

OWN = ROOT / "tests" / "data"
SHARED = Path("/work/shared/data")
CONFIGURED = ("zh-Hans", "zh-Hant", "en")
KINDS = {
    "CREDIT_CARD": "card",
    "PHONE_NUMBER": "phone",
    "EMAIL_ADDRESS": "email",
    "IBAN_CODE": "iban",
    "US_SSN": "id",
    "US_DRIVER_LICENSE": "id",
    "IP_ADDRESS": "ip",
    "DOMAIN_NAME": "url",
    "PERSON": "name",
    "STREET_ADDRESS": "address",
}
STRUCTURED = frozenset({"card", "phone", "email", "iban", "id", "ip", "url"})
SEEN_FIRST = 14  # of bastion's malicious rows: looked at before the split was made
FAST = 500  # texts that are timed


def languages() -> dict[str, Any]:
    """Ours on the part looked at while writing and on the held-out one; langdetect on all."""
    rows = labelled.utterances(OWN / "languages.csv")
    DetectorFactory.seed = 0
    bare = sum(_bare(row.text) == row.language for row in rows)
    figures: dict[str, Any] = {"langdetect_bare": round(bare / len(rows), 4), "rows": len(rows)}
    for name, held_out in (("written_with", False), ("held_out", True)):
        report = labelled.languages([r for r in rows if r.held_out is held_out], CONFIGURED)
        figures[name] = {key: report[key] for key in ("accuracy", "rows", "second", "wrong")}
    figures["all"] = labelled.languages(rows, CONFIGURED)["accuracy"]
    return figures


def _bare(text: str) -> str:
    try:
        found = str(detect(text))
    except LangDetectException:
        return "none"
    return {"zh-cn": "zh-Hans", "zh-tw": "zh-Hant"}.get(found, found)


def generated() -> dict[str, Any]:
    """Our 2,000 sentences with valid and invalid check digits."""
    return labelled.personal(labelled.marked(OWN / "personal_data.jsonl"))


def english(folder: Path) -> dict[str, Any]:
    """Presidio's sentences; templates with an odd number were not looked at."""
    with gzip.open(folder / "safety/pii_en/synth_dataset_v2.json.gz") as file:
        rows = json.load(file)
    figures: dict[str, Any] = {}
    for name, odd in (("templates_seen", 0), ("templates_unseen", 1)):
        chosen = [_marked(row) for row in rows if row["template_id"] % 2 == odd]
        report = labelled.personal(chosen, STRUCTURED)
        report["names"] = labelled.personal(chosen, frozenset({"name"}))["f1"]
        report["addresses"] = labelled.personal(chosen, frozenset({"address"}))["f1"]
        figures[name] = report
    return figures


def _marked(row: dict[str, Any]) -> labelled.Marked:
    spans = (
        Span(KINDS[s["entity_type"]], s["start_position"], s["end_position"])
        for s in row["spans"]
        if s["entity_type"] in KINDS
    )
    return labelled.Marked(row["full_text"], tuple(spans))


def bastion(folder: Path) -> dict[str, Any]:
    """Caught of the malicious rows, refused of the benign look-alikes."""
    lines = (folder / "safety/bastion/injections.jsonl").read_text("utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    malicious = [row["text"] for row in rows if row["label"] == "malicious"]
    benign = [row["text"] for row in rows if row["label"] != "malicious"]
    seen = [t for i, t in enumerate(malicious) if i < SEEN_FIRST or i % 2 == 0]
    unseen = [t for i, t in enumerate(malicious) if i >= SEEN_FIRST and i % 2]
    return {
        "caught_seen": _share(seen),
        "caught_unseen": _share(unseen),
        "caught": _share(malicious),
        "benign_refused": _share(benign),
    }


def _share(texts: Sequence[str]) -> list[int]:
    """Texts that some rule names, of how many."""
    return [sum(rule(text) is not None for text in texts), len(texts)]


def attacks() -> dict[str, Any]:
    """Our own set: caught under the right name, or refused by mistake, of how many."""
    grouped: dict[str, list[bool]] = defaultdict(list)
    with (OWN / "attacks.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            name = " ".join(filter(None, (row["rule"] or "benign", row["part"])))
            grouped[name].append((rule(row["text"]) or "") == (row["rule"] or ""))
    return {name: [sum(right), len(right)] for name, right in grouped.items()}


def ordinary(folder: Path | None) -> dict[str, Any]:
    """Turns of real conversations that a rule would refuse."""
    figures: dict[str, Any] = {"samples": _share(_samples())}
    if folder:
        turns = []
        for name in ("train.csv", "test.csv"):
            with (folder / "intents/crosswoz_zh" / name).open(encoding="utf-8", newline="") as file:
                turns += [row["text"] for row in csv.DictReader(file)]
        figures["crosswoz"] = _share(turns)
        figures["crosswoz_masked"] = [sum(bool(find(text)) for text in turns), len(turns)]
    return figures


def _samples() -> list[str]:
    """Every text of the sample questions and transcripts."""
    texts: list[str] = []
    for name in ("golden.jsonl", "hard.jsonl", "calibration.jsonl"):
        for line in (ROOT / "samples" / name).read_text("utf-8").splitlines():
            texts += _strings(json.loads(line))
    for path in sorted((ROOT / "samples" / "transcripts").iterdir()):
        if path.suffix == ".csv":
            with path.open(encoding="utf-8", newline="") as file:
                texts += [value for row in csv.DictReader(file) for value in row.values() if value]
        else:
            for line in path.read_text("utf-8").splitlines():
                texts += _strings(json.loads(line))
    return texts


def _strings(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for one in inner for text in _strings(one)]


def speed() -> dict[str, float]:
    """Median milliseconds of CPU for a turn, over our own utterances."""
    rows = labelled.utterances(OWN / "languages.csv")[:FAST]
    took: dict[str, list[float]] = defaultdict(list)
    for row in rows:
        begin = time.process_time()
        spoken(row.text, CONFIGURED)
        language = time.process_time()
        find(row.text)
        personal = time.process_time()
        rule(row.text)
        took["language"].append(language - begin)
        took["personal_data"].append(personal - language)
        took["rules"].append(time.process_time() - personal)
    return {name: round(sorted(times)[len(times) // 2] * 1e3, 3) for name, times in took.items()}


def main() -> None:
    folder = Path(sys.argv[sys.argv.index("--data") + 1]) if "--data" in sys.argv else SHARED
    public = folder if (folder / "safety").is_dir() else None
    figures: dict[str, Any] = {
        "language": languages(),
        "personal_data": generated(),
        "attacks": attacks(),
        "ordinary": ordinary(public),
        "p50_cpu_ms": speed(),
    }
    if public:
        figures |= {"pii_en": english(public), "bastion": bastion(public)}
    print(described(figures, *(OWN / n for n in ("languages.csv", "attacks.csv"))))


if __name__ == "__main__":
    main()
