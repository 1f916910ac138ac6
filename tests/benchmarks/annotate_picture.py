"""The picture of the annotation page, from a workspace with the sample collections and a dataset of theirs.

    python tests/benchmarks/annotate_picture.py WORKSPACE DATASET

Writes `docs/annotate.png`: the first example that answers, as it waits for a verdict. Nothing in the workspace is changed.
"""

from __future__ import annotations

import shutil
import sys
import threading
import time
from pathlib import Path

from PIL import Image
from playwright.sync_api import expect, sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "serving" / "annotate"))
from annotation_browser import ARGUMENTS

from corpora.workspace.workspace import open_workspace
from serving.annotate.access import new_secret
from serving.annotate.app import create_annotate_app
from serving.annotate.session import open_session
from serving.http.server import ApiServer, bind, url_of

TARGET = Path(__file__).resolve().parents[2] / "docs" / "annotate.png"


def main(workspace: Path, dataset: str) -> None:
    """Serve, look, and end."""
    session = open_session(open_workspace(workspace), "picture", None, dataset)
    question = next(e.question for e in session.examples.values() if e.policy == "answer" and len(e.passages) > 3)
    listener, token = bind("127.0.0.1", 0), new_secret()
    server = ApiServer(create_annotate_app(session, token), listener)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        while not server.started:
            time.sleep(0.05)
        with sync_playwright() as driver:
            browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
            page = browser.new_page(viewport={"width": 1200, "height": 720}, color_scheme="light")
            page.goto(f"{url_of(listener)}/?token={token}")
            page.get_by_role("button", name=question).first.click()
            expect(page.locator("#title")).to_have_text(question)
            page.locator("#list").evaluate("node => node.parentElement.scrollTo(0, 0)")
            page.screenshot(path=TARGET)
            browser.close()
        with Image.open(TARGET) as picture:  # few colours: a third of the size
            small = picture.convert("RGB").quantize(96)
        small.save(TARGET, optimize=True)
    finally:
        server.should_exit = True
        thread.join()
        session.annotations.close()
        session.store.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
