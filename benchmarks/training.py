"""The smoke preset on the sample transcripts: held-out reply loss, adapter against base.

python benchmarks/training.py
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from environment import ROOT, described

ZHIKE = Path(sys.executable).with_name("zhike")


def main() -> None:
    with tempfile.TemporaryDirectory() as home:
        environment = {**os.environ, "ZHIKE_HOME": home}
        subprocess.run(
            [ZHIKE, "knowledge", "list"], env=environment, check=True, stdout=subprocess.DEVNULL
        )  # a fresh home loads the samples, so that replies are learned with their evidence
        begin = time.monotonic()
        transcripts = ROOT / "samples" / "transcripts"
        command = [ZHIKE, "train", "--transcripts", transcripts, "--preset", "smoke", "--json"]
        done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE)
        minutes = (time.monotonic() - begin) / 60
    figures = {"minutes": round(minutes, 2), "run": json.loads(done.stdout)}
    print(described(figures, transcripts))


if __name__ == "__main__":
    main()
