"""The sample shop, loaded into a fresh home so that the first question has an answer."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from chatbot.app import App
from chatbot.listed_names import FILE
from ui.settings import Settings

FOLDER = Path(__file__).parents[1] / "samples"
LOADED = "samples.loaded"  # in the home: removed samples do not come back
LOADING = "samples.loading"  # in the home: a load that was cut off is taken up again


def load_if_fresh(app: App, settings: Settings, say: Callable[[str], None]) -> None:
    """Add samples/knowledge to a home that has no documents and never had the samples."""
    mark, begun = settings.home / LOADED, settings.home / LOADING
    folder = FOLDER / "knowledge"
    if not settings.samples or mark.exists() or not folder.is_dir():
        return
    if begun.exists() or not app.knowledge.documents():
        begun.touch()
        say("Loading the documents of the sample shop (ZHIKE_SAMPLES=off leaves them out) …")
        for ingested in app.knowledge.add([folder]):
            if ingested.error:
                say(f"  {ingested.error}")
        say("Preparing their sentences for quick answers …")
        app.prepare()
        if (FOLDER / FILE).is_file() and not app.names.path.exists():
            shutil.copyfile(FOLDER / FILE, app.names.path)
    mark.touch()
    begun.unlink(missing_ok=True)
