"""The annotation page in a real browser, by keyboard: what is selected is kept with exact offsets, and documents stay text."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from annotation_samples import QUOTES, document_with, make_desk, span_of

from corpora.chunking import ChunkOptions
from raft.prompts import render_completion
from raft.reviews import read_reviews
from retrieval.encoders import HashingEncoder
from retrieval.indexing import add_files
from serving.annotate_api import create_annotate_app
from serving.annotation_desk import Desk
from serving.annotation_records import AnnotatedQuestion

playwright = pytest.importorskip("playwright.sync_api", reason="the package playwright is not installed")
CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium")
ARGUMENTS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update "
    "--disable-sync"
)
HOSTILE = (
    'Notes <img src="http://127.0.0.1:9/x.png" onerror="window.hacked = 1">\n\n'
    "<script>window.hacked = 2</script> A dose of \U0001f48a\U0001f48a ten mg is given. "
    '<iframe src="http://127.0.0.1:9/"></iframe> <a href="javascript:window.hacked=3">here</a>'
)


class Seen:
    """A page, and what it asked for and complained of."""

    def __init__(self, page: Any, url: str) -> None:
        self.page, self.url = page, url
        self.requests: list[str] = []
        self.problems: list[str] = []
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("console", lambda line: self.problems.append(line.text) if line.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.on("dialog", lambda dialog: self.problems.append(dialog.message))

    def keys(self, *names: str) -> None:
        for name in names:
            self.page.keyboard.press(name)

    def select(self, text: str, chosen: str) -> None:
        """Select `chosen` in the focused reader with `text`, by keys from the caret at its start. No graphemes of two points."""
        at = text.index(chosen)
        self.keys("Control+Home", *["ArrowRight"] * at, *["Shift+ArrowRight"] * len(chosen))

    def says(self, text: str) -> None:
        playwright.expect(self.page.locator("#status")).to_have_text(text)


@contextmanager
def opened(desk: Desk, served) -> Iterator[Seen]:
    with served(create_annotate_app(desk)) as url, playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS.split())
        try:
            seen = Seen(browser.new_page(), url)
            seen.page.set_default_timeout(20_000)
            seen.page.goto(url)
            seen.page.locator(".reader").first.wait_for()
            yield seen
        finally:
            browser.close()
    assert seen.requests and all(request.startswith(f"{url}/") for request in seen.requests), seen.requests
    assert not seen.problems


@pytest.fixture
def desk(collection, tmp_path: Path) -> Iterator[Desk]:
    (tmp_path / "notes.txt").write_text(HOSTILE, encoding="utf-8")
    report = add_files(collection.store, tmp_path / "w", HashingEncoder(), [tmp_path / "notes.txt"], "texts", ChunkOptions(45))
    assert report.added == 1
    made = make_desk(collection.store, tmp_path / "w", with_dataset=False)
    yield made
    made.annotations.close()


def test_a_question_with_evidence_is_written_by_keyboard(desk: Desk, served) -> None:
    lease = document_with(desk.store, "deposit")
    question, evidence, answer = QUOTES[0]
    with opened(desk, served) as seen:
        seen.keys("j")
        playwright.expect(seen.page.locator("#title")).to_have_text(lease.title)
        seen.select(lease.text, evidence)
        seen.keys("e")
        seen.says("evidence taken")
        seen.keys("j")  # would lose it
        playwright.expect(seen.page.locator("#alert")).to_contain_text("not saved")
        seen.select(lease.text, answer)
        seen.keys("a")
        playwright.expect(seen.page.locator("#question")).to_be_focused()
        seen.page.keyboard.type(question)
        seen.keys("Enter")
        seen.says("question saved")
        playwright.expect(seen.page.locator("#questions")).to_contain_text(question)
        # Without selecting evidence, and saying that there is no answer.
        seen.keys("n")
        seen.page.keyboard.type("Are pets allowed?")
        seen.page.locator("#unanswerable").check()
        seen.keys("Enter")
        playwright.expect(seen.page.locator("#questions")).to_contain_text("Are pets allowed? (no answer)")
        seen.keys("Escape", "?")
        playwright.expect(seen.page.locator("#help")).to_be_visible()
    first, second = desk.annotations.questions("default")
    assert (first.document_id, first.text) == (lease.id, question)
    assert first.answers == (span_of(lease, answer),) and first.evidence == (span_of(lease, evidence),)
    assert (second.text, second.answers) == ("Are pets allowed?", ())


def test_a_hostile_document_is_text_and_offsets_count_characters(desk: Desk, served) -> None:
    notes = document_with(desk.store, "onerror")
    hostile = '<img src=x onerror="window.hacked = 4">'
    desk.annotations.save_question("default", AnnotatedQuestion("q", notes.id, hostile, (), ()))
    desk.annotations.set_classes("default", [hostile])
    with opened(desk, served) as seen:
        seen.page.locator("#search").fill("notes")
        seen.keys("Enter")
        playwright.expect(seen.page.locator("#total")).to_have_text("1 document")
        playwright.expect(seen.page.locator("#questions")).to_contain_text("onerror")
        reader = seen.page.locator(".reader")
        assert reader.evaluate("box => box.textContent") == notes.text
        seen.select(notes.text, "ten mg")
        seen.keys("x", "Delete", "a")  # what would change the text changes nothing
        seen.page.keyboard.type("Which dose?")
        seen.keys("Enter")
        seen.says("question saved")
        assert reader.evaluate("box => box.textContent") == notes.text
        seen.page.locator("#tab-labels").click()
        playwright.expect(seen.page.locator("#classes")).to_contain_text("onerror")
        seen.keys("j", "1")
        seen.says(f"labelled {hostile}")
        assert seen.page.evaluate("window.hacked") is None
        assert seen.page.locator("#columns img, #columns script, #columns iframe, #columns a").count() == 0
    kept = desk.annotations.questions("default")[1]
    assert kept.answers == (span_of(notes, "ten mg"),)
    label = desk.annotations.labels("default")[0]
    chunk = desk.store.chunks(notes.id)[0]
    assert (label.span.start, label.span.end, label.span.text) == (chunk.start, chunk.end, chunk.text)


def test_three_examples_are_reviewed_by_keyboard(desk: Desk, tmp_path: Path, served) -> None:
    desk.annotations.close()
    reviewing = make_desk(desk.store, tmp_path / "w")
    with opened(reviewing, served) as seen:
        title = seen.page.locator("#title")
        playwright.expect(title).to_have_text(QUOTES[0][0])
        seen.keys("y")
        playwright.expect(title).to_have_text(QUOTES[1][0])
        seen.keys("x")
        playwright.expect(title).to_have_text(QUOTES[2][0])
        seen.keys("x")
        seen.says("rejected")
        seen.keys("u")
        seen.says("undone")
        box = seen.page.locator(".reader").first
        text = box.evaluate("box => box.textContent")
        playwright.expect(box).to_be_focused()
        seen.select(text, "Do not exceed four tablets a day.")
        seen.keys("e", "y")
        playwright.expect(seen.page.locator("#alert")).to_contain_text("Enter saves the edit")
        seen.page.locator("#quotes button").first.click()
        seen.keys("Escape")
        seen.page.locator("#answer").fill("four tablets")
        seen.keys("Enter")
        seen.says("edit saved")
        seen.page.locator(".reader").first.focus()
        seen.keys("w")
        seen.says("3 reviews written for training")
    found = {review.example_id: review for review in read_reviews(tmp_path / "w" / "datasets" / "d").reviews}
    assert [found[name].verdict for name in reviewing.examples] == ["accept", "reject", "edit"]
    edited = found["id-after-six-years"]
    number = 1 + [p.chunk_id for p in reviewing.examples[edited.example_id].passages].index(edited.quotes[0].chunk_id)
    assert edited.completion == render_completion([(number, "Do not exceed four tablets a day.")], "four tablets")
    reviewing.annotations.close()
