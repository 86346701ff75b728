"""The estimated memory is what a run really takes, and too much is refused before it starts."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from chatbot.models import find
from finetune import config, memory, train
from finetune.errors import TrainingError
from finetune.job import Job
from finetune.registry import opened
from tests.finetune.conftest import SAMPLES

STEP = """
import sys, tempfile
from pathlib import Path
from finetune import config
from finetune.examples import Example
from finetune.pairs import Pair
from finetune.tuning import Progress, Tuner, adapted, arguments_of
preset = config.load(sys.argv[2])
model = adapted(Path(sys.argv[1]), preset)
pair, size = Pair("c", "en", (), "q", "r"), preset.max_tokens
rows = [
    Example(pair, tuple(range(100 + n, 100 + n + size)), size // 2, 0) for n in range(preset.batch)
]
progress = Progress(preset, 2, 1e9, lambda: 0.0, lambda metric: None)
arguments = arguments_of(preset, 1, Path(tempfile.mkdtemp()))
tuner = Tuner(progress, 0, model=model, args=arguments, train_dataset=rows)
tuner.remove_callback_of_printing()
tuner.train()
# not ru_maxrss: that begins with what the process that started this one had
status = Path("/proc/self/status").read_text().split()
print(int(status[status.index("VmHWM:") + 1]) * 1024)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_estimate_is_what_the_longest_batch_takes(packaged: Path) -> None:
    base = find(packaged, "SmolLM2-135M-Instruct")
    command = [sys.executable, "-c", STEP, str(base), "smoke"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    peak = int(done.stdout.split()[-1])
    estimate = memory.needed(base, config.load("smoke"), weight=memory.weight_bytes())
    assert 0.9 * peak < estimate < 1.4 * peak


def test_each_preset_needs_more_than_the_one_before(packaged: Path) -> None:
    base = find(packaged, "SmolLM2-135M-Instruct")
    names = config.names()
    assert names == ("smoke", "small", "default", "large")
    sizes = [memory.needed(base, config.load(name)) for name in ("smoke", "small", "large")]
    assert sizes == sorted(sizes) and sizes[0] < 2 * memory.GIB
    # Steps of several small batches learn the same and take less at a time.
    default = config.load("default")
    at_once = replace(default, batch=default.batch * default.accumulate, accumulate=1)
    assert memory.needed(base, default) < memory.needed(base, at_once) / 3
    on_gpu = memory.needed(base, default, gpu=True)
    assert on_gpu == memory.needed(base, default) - memory.PROCESS


def test_what_does_not_fit_is_refused_before_anything_is_entered(
    packaged: Path, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (memory.free() or 0) > 0
    huge = replace(config.load("large"), batch=1_000_000)
    monkeypatch.setattr(config, "load", lambda name: huge)
    job = Job(tmp_path / "home", packaged, (SAMPLES / "en-messages.jsonl",), model=str(tiny))
    with pytest.raises(TrainingError, match=r"needs about [\d.]+ GiB of memory, but [\d.]+ GiB"):
        train.run(job)
    assert opened(tmp_path / "home").list() == ()
    assert [p.name for p in (tmp_path / "home" / "runs").glob("[!.]*")] == []
