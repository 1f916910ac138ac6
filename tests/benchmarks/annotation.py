"""How quick the annotation page is in Chromium: a document of 300 pages, and 5,000 examples.

    python tests/benchmarks/annotation.py --json tests/benchmarks/results/annotation.json

Times are what an annotator waits for: from a key to the next frame with what it asked for, through the server, on this machine.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import sys
import tempfile
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from environment import environment
from playwright.sync_api import Page, sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "serving" / "annotate"))

from annotation_browser import ARGUMENTS
from annotation_samples import TOKEN, example_of
from test_annotate_limits import STEPS, long_text

from corpora.chunking.chunker import ChunkOptions
from corpora.store.corpus_store import CorpusStore
from raft.examples.dataset import read_dataset, write_dataset
from raft.examples.grounding import Grounding
from raft.examples.options import ExampleOptions
from retrieval.encoders.hashing import HashingEncoder
from retrieval.indexing.add_files import add_files
from serving.annotate.app import create_annotate_app
from serving.annotate.session import AnnotationSession
from serving.annotate.store import AnnotationStore
from serving.http.server import ApiServer, bind, url_of

EXAMPLES, PAGES = 5_000, 300
FRAME = "new Promise((done) => requestAnimationFrame(() => setTimeout(done, 0)))"


def make(root: Path) -> AnnotationSession:
    """A collection with one long document, and a dataset of 5,000 examples that show five of its passages each."""
    (root / "contract.txt").write_text(long_text(PAGES), encoding="utf-8")
    store = CorpusStore(root / "w" / "corpus.db")
    add_files(store, root / "w", HashingEncoder(), [root / "contract.txt"], "texts", ChunkOptions(45))
    chunks = store.chunks()
    sentence = chunks[2].text.split(". ")[0] + "."
    first = example_of(chunks[:5], "Question 1?", sentence, "yes")
    examples = [replace(first, id=f"e{number}", question=f"Question {number}?") for number in range(1, EXAMPLES + 1)]
    folder = root / "w" / "datasets" / "d"
    write_dataset(folder, "d", Grounding(), [], examples, ExampleOptions(), 1, ["made"])
    return AnnotationSession(
        store, AnnotationStore(root / "w" / "annotations.db", store.document), "default", None, read_dataset(folder), folder
    )


def spread(times: list[float]) -> dict[str, float]:
    """Median, 95th percentile and maximum, in ms."""
    ordered = sorted(times)
    ninety_five = ordered[int(0.95 * (len(ordered) - 1))]
    return {"median_ms": round(statistics.median(ordered), 1), "p95_ms": round(ninety_five, 1), "max_ms": round(ordered[-1], 1)}


def until(page: Page, condition: str) -> None:
    """Wait for a condition; the page's policy forbids Playwright's own way, which evaluates text in the page."""
    end = time.monotonic() + 60
    while not page.evaluate(condition):
        if time.monotonic() > end:
            raise TimeoutError(condition)


def measure(page: Page, url: str) -> dict[str, Any]:
    """Every figure, in the order in which an annotator would meet them."""
    page.goto(f"{url}/?token={TOKEN}")
    page.wait_for_url(f"{url}/")
    idle = "document.getElementById('main').getAttribute('aria-busy') === 'false'"
    until(page, idle)
    found: dict[str, Any] = {}
    page.reload()
    started = time.perf_counter()
    until(page, f"{idle} && document.querySelector('.reader')")
    found["first_example_after_load_ms"] = round(1000 * (time.perf_counter() - started), 1)
    found["first_paint_ms"] = page.evaluate("performance.getEntriesByType('paint')[0].startTime")
    found["next_example"] = spread(page.evaluate(STEPS, ["j", 200]))
    page.evaluate(STEPS, ["j", 1000])
    found["next_example_after_1200"] = spread(page.evaluate(STEPS, ["j", 200]))
    found["accept_and_next"] = spread(page.evaluate(STEPS, ["y", 200]))
    page.keyboard.press("Q")
    until(page, idle)
    page.keyboard.press("/")
    page.keyboard.type("277.31 writing")
    started = time.perf_counter()
    page.keyboard.press("Enter")
    until(page, "document.getElementById('status').textContent.startsWith('passage 1 of 1')")
    page.evaluate(FRAME)
    found["search_and_open_300_pages_ms"] = round(1000 * (time.perf_counter() - started), 1)
    times = []
    for key in ["ArrowDown", "ArrowRight", "PageDown", "Control+End", "Control+Home"] * 10:
        started = time.perf_counter()
        page.keyboard.press(key)
        page.evaluate(FRAME)
        times.append(1000 * (time.perf_counter() - started))
    found["cursor_in_300_pages"] = spread(times)
    return found


def main() -> None:
    """Serve, drive, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, required=True)
    target = parser.parse_args().json
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        listener = bind("127.0.0.1", 0)
        server = ApiServer(create_annotate_app(make(Path(folder)), TOKEN), listener)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
        try:
            found = measure(browser.new_page(viewport={"width": 1280, "height": 800}), url_of(listener))
            version = browser.version
        finally:
            browser.close()
            server.should_exit = True
            thread.join()
    value = {"environment": environment(), "chromium": version, "examples": EXAMPLES, "pages": PAGES, **found}
    target.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(value, indent=1))


if __name__ == "__main__":
    main()
