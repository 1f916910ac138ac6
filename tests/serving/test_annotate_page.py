"""The annotation page in a real browser, by keyboard: what is selected is kept with exact offsets, documents stay text, and of two
people who change the same thing the second is told.
"""

from __future__ import annotations

import shutil
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from annotation_samples import QUOTES, TOKEN, document_with, make_desk, span_of

from corpora.chunking import ChunkOptions
from raft.prompts import render_completion
from raft.reviews import judge, read_reviews
from retrieval.encoders import HashingEncoder
from retrieval.indexing import add_files
from serving.annotate_api import create_annotate_app
from serving.annotation_desk import Desk
from serving.annotation_records import AnnotatedQuestion, Label

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
        page.set_default_timeout(20_000)
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("console", lambda line: self.problems.append(line.text) if line.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: self.problems.append(str(error)))

    def open(self) -> Seen:
        self.page.goto(f"{self.url}/?token={TOKEN}")
        self.page.wait_for_url(f"{self.url}/")  # the token is gone from the address
        self.page.locator("#total").get_by_text(" of ").wait_for()
        return self

    def keys(self, *names: str) -> None:
        for name in names:
            self.page.keyboard.press(name)

    def write(self, text: str) -> None:
        self.page.keyboard.type(text)

    def select(self, text: str, chosen: str) -> None:
        """Select `chosen` in the focused reader with `text`, by keys from the caret at its start. No graphemes of two points."""
        at = text.index(chosen)
        self.keys("Control+Home", *["ArrowRight"] * at, *["Shift+ArrowRight"] * len(chosen))

    def has(self, place: str, text: str) -> None:
        playwright.expect(self.page.locator(place)).to_contain_text(text)

    def says(self, text: str) -> None:
        self.has("#status", text)

    def complains(self, text: str) -> None:
        self.has("#alert", text)

    def shows(self, title: str) -> None:
        playwright.expect(self.page.locator("#title")).to_have_text(title)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as driver:
        launched = driver.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS.split())
        yield launched
        launched.close()


@pytest.fixture
def opened(browser: Any, served):
    """`with opened(desk, 2) as (one, two)`: so many people at one desk, each with a browser of their own."""

    @contextmanager
    def open_all(desk: Desk, people: int = 1, allowed: str = "", **options: Any) -> Iterator[Any]:
        contexts = [browser.new_context(**options) for _ in range(people)]
        try:
            with served(create_annotate_app(desk, TOKEN)) as url:
                all_seen = [Seen(context.new_page(), url).open() for context in contexts]
                yield all_seen if people > 1 else all_seen[0]
                for context in contexts:
                    context.close()
        finally:
            for context in contexts:
                context.close()
        for seen in all_seen:
            assert seen.requests and all(request.startswith(f"{url}/") for request in seen.requests), seen.requests
            assert not [problem for problem in seen.problems if not allowed or allowed not in problem]

    return open_all


@pytest.fixture
def desk(collection, tmp_path: Path) -> Iterator[Desk]:
    (tmp_path / "notes.txt").write_text(HOSTILE, encoding="utf-8")
    report = add_files(collection.store, tmp_path / "w", HashingEncoder(), [tmp_path / "notes.txt"], "texts", ChunkOptions(45))
    assert report.added == 1
    made = make_desk(collection.store, tmp_path / "w", with_dataset=False)
    yield made
    made.annotations.close()


@pytest.fixture
def reviewing(desk: Desk, tmp_path: Path) -> Iterator[Desk]:
    made = make_desk(desk.store, tmp_path / "w")
    yield made
    made.annotations.close()


def test_a_question_with_evidence_is_written_corrected_and_deleted_by_keyboard(desk: Desk, opened) -> None:
    lease = document_with(desk.store, "deposit")
    question, evidence, answer = QUOTES[0]
    with opened(desk) as seen:
        seen.keys("j")
        seen.shows(lease.title)
        seen.select(lease.text, answer)
        seen.keys("s", "s")  # from a selection on, sentence by sentence
        seen.keys("Control+Home", "ArrowDown", "ArrowDown", "s", "e")
        seen.says("evidence taken")
        seen.has("#saved", "Not saved yet")
        seen.keys("j")  # would lose it
        seen.complains("not saved")
        seen.select(lease.text, answer)
        seen.keys("a")
        playwright.expect(seen.page.locator("#question")).to_be_focused()
        seen.write(question)
        seen.keys("Enter")
        seen.says("question saved")
        seen.has("#saved", "All saved")
        seen.has("#total", "1 of 4 documents has questions")
        seen.has("#questions", question)
        seen.page.get_by_role("button", name=f"Correct: {question}").press("Enter")
        seen.has("#form-title", "Correct")
        seen.keys("End")
        seen.write(" In pounds")
        seen.keys("Enter")
        seen.says("correction saved")
        # Without selecting evidence, and saying that there is no answer.
        seen.keys("n")
        seen.write("Are pets allowed?")
        seen.keys("Escape", "d", "Enter")
        seen.has("#questions", "Are pets allowed? (no answer)")
        seen.page.get_by_role("button", name="Delete: Are pets allowed?").press("Enter")
        seen.says("question deleted")
        seen.keys("u")
        seen.says("undone")
        seen.has("#questions", "Are pets allowed? (no answer)")
        seen.page.reload()
        seen.keys("j")
        seen.has("#questions", "Are pets allowed? (no answer)")
    first, second = desk.annotations.questions("default")
    assert (first.document_id, first.text) == (lease.id, f"{question} In pounds")
    assert first.answers == (span_of(lease, answer),) and first.evidence == (span_of(lease, evidence),)
    assert (second.text, second.answers) == ("Are pets allowed?", ())


def test_what_was_begun_is_not_left_without_a_word(desk: Desk, opened) -> None:
    with opened(desk) as seen:
        seen.keys("q")
        seen.write("Half a ques")
        for leave in ("#tab-labels", "#list li:nth-child(3) button"):
            seen.page.locator(leave).click()
            seen.complains("not saved")
        playwright.expect(seen.page.locator("#question")).to_have_value("Half a ques")
        asked: list[str] = []
        seen.page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.dismiss()))
        seen.page.close(run_before_unload=True)
        until = time.monotonic() + 10
        while not asked and time.monotonic() < until:
            seen.page.wait_for_timeout(50)
        assert asked == ["beforeunload"]


def test_a_hostile_document_is_text_and_offsets_count_characters(desk: Desk, opened) -> None:
    notes = document_with(desk.store, "onerror")
    hostile = '<img src=x onerror="window.hacked = 4">'
    desk.annotations.save_question("default", AnnotatedQuestion("q", notes.id, hostile, (), ()))
    desk.annotations.add_classes("default", [hostile])
    with opened(desk) as seen:
        seen.keys("/")
        seen.write("notes")
        seen.keys("Enter")
        seen.has("#questions", "onerror")
        reader = seen.page.locator(".reader")
        assert reader.evaluate("box => box.textContent") == notes.text
        seen.select(notes.text, "ten mg")
        seen.keys("x", "Delete", "Backspace", "a")  # what would change the text changes nothing
        seen.write("Which dose?")
        seen.keys("Enter")
        seen.says("question saved")
        assert reader.evaluate("box => box.textContent") == notes.text
        seen.keys("L")
        seen.has("#classes", "onerror")
        seen.keys("j", "1")
        seen.says(f"labelled {hostile}")
        assert seen.page.evaluate("window.hacked") is None
        assert seen.page.locator("#columns img, #columns script, #columns iframe, #columns a").count() == 0
    kept = desk.annotations.questions("default")[1]
    assert kept.answers == (span_of(notes, "ten mg"),)
    label = desk.annotations.labels("default")[0]
    chunk = desk.store.chunks(notes.id)[0]
    assert (label.span.start, label.span.end, label.span.text) == (chunk.start, chunk.end, chunk.text)


def test_texts_are_labelled_by_keyboard(desk: Desk, opened) -> None:
    lease = document_with(desk.store, "deposit")
    with opened(desk) as seen:
        seen.keys("L", "J")
        seen.shows(lease.title)
        for name in ("duty", "right"):
            seen.keys("n")
            seen.write(name)
            seen.keys("Enter")
            seen.says("class added")
        seen.keys("1")
        seen.says("labelled duty")
        seen.keys("j", "2")
        seen.has("#unit", "Passage 1 of 2")
        seen.has("#unit-progress", "2 of 3 texts of this document labelled")
        seen.keys("1")  # another class
        seen.keys("u")
        seen.says("undone")
        seen.keys("j", "1", "1")
        seen.says("label removed")
        seen.keys("Control+Home")
        seen.select(lease.text, "nine hundred pounds")
        seen.keys("2")
        seen.says("labelled right")
        seen.page.get_by_role("button", name="Remove class right").press("Enter")
        seen.complains("in use")
        seen.has("#total", "1 of 4 documents has labels")
    labels = {label.span.text: label.name for label in desk.annotations.labels("default")}
    first = desk.store.chunks(lease.id)[0].text
    assert labels == {lease.text: "duty", first: "right", "nine hundred pounds": "right"}


def test_three_examples_are_reviewed_by_keyboard(reviewing: Desk, tmp_path: Path, opened) -> None:
    with opened(reviewing) as seen:
        seen.shows(QUOTES[0][0])
        seen.has("#total", "0 of 3 reviewed")
        seen.keys("y")
        seen.shows(QUOTES[1][0])
        seen.keys("x")
        seen.shows(QUOTES[2][0])
        seen.keys("x")
        seen.says("rejected; all examples are reviewed")
        seen.keys("u")
        seen.says("undone")
        seen.has("#total", "2 of 3 reviewed: 1 accepted, 0 edited, 1 rejected")
        sentence = "Do not exceed four tablets a day."
        other = next(n for n, p in enumerate(reviewing.examples["id-after-six-years"].passages) if sentence in p.text)
        here = next(n for n, p in enumerate(reviewing.examples["id-after-six-years"].passages) if "barred" in p.text)
        seen.keys(*["p"] * ((other - here) % 3))
        seen.select(seen.page.locator(".reader").nth(other).evaluate("box => box.textContent"), sentence)
        seen.keys("e", "y")
        seen.complains("Enter saves the edit")
        seen.page.get_by_role("button", name="Remove quote: An action").press("Enter")
        seen.keys("Escape")
        seen.page.locator("#answer").fill("four ## tablets")
        seen.keys("Enter")
        seen.complains("'##' marks the parts")  # and nothing of what was written is lost
        seen.page.locator("#answer").fill("four tablets")
        seen.keys("Enter")
        seen.says("edit saved; all examples are reviewed")
        seen.page.locator("#show").select_option("edit")
        seen.shows(QUOTES[2][0])
        seen.has("#verdict", "edited")
        seen.page.locator("#show").select_option("open")
        seen.shows("All examples are reviewed")
    reviewing.write_reviews()
    found = {review.example_id: review for review in read_reviews(tmp_path / "w" / "datasets" / "d").reviews}
    assert [found[name].verdict for name in reviewing.examples] == ["accept", "reject", "edit"]
    edited = found["id-after-six-years"]
    assert edited.completion == render_completion([(other + 1, sentence)], "four tablets")


def test_of_two_annotators_the_second_is_told_and_both_keep_their_work(reviewing: Desk, opened) -> None:
    lease = document_with(reviewing.store, "deposit")
    reviewing.annotations.save_question("default", AnnotatedQuestion("q", lease.id, "Who?", (), ()))
    reviewing.annotations.add_classes("default", ["duty", "right"])
    with opened(reviewing, 2, allowed="status of 409") as (one, two):
        one.keys("x")  # both look at the first example
        one.says("rejected")
        two.page.locator("#answer").fill("another answer")
        two.page.locator("#answer").press("Enter")
        two.complains("Somebody else rejected this example meanwhile")
        playwright.expect(two.page.locator("#answer")).to_have_value("another answer")
        two.has("#verdict", "rejected")
        two.page.locator("#answer").press("Enter")
        two.says("edit saved")
        for seen in (one, two):
            seen.keys("Escape", "Q", "j")
            seen.shows(lease.title)
            seen.page.get_by_role("button", name="Correct: Who?").press("Enter")
            seen.keys("End")
        one.write(" And when?")
        one.keys("Enter")
        one.says("correction saved")
        two.write(" Or whose?")
        two.keys("Enter")
        two.complains("theirs is in the list: “Who? And when?”")
        playwright.expect(two.page.locator("#question")).to_have_value("Who? Or whose?")
        two.keys("Enter")
        two.says("correction saved")
        for seen in (one, two):
            seen.keys("L", "J")
            seen.shows(lease.title)
        one.keys("1")
        one.says("labelled duty")
        two.keys("2")
        two.complains("Somebody else labelled this text meanwhile: duty")
        two.keys("2")
        two.says("labelled right")
    assert [question.text for question in reviewing.annotations.questions("default")] == ["Who? Or whose?"]
    assert [label.name for label in reviewing.annotations.labels("default")] == ["right"]
    assert [(review.verdict, "another answer" in review.completion) for review in reviewing.annotations.reviews("d")] == [
        ("edit", True)
    ]


class Stranger(BaseHTTPRequestHandler):
    """Another program on a port of this machine: gives a page with a link, and keeps what it is sent."""

    link = ""
    asked: list[tuple[str, str]] = []

    def do_GET(self) -> None:
        self.asked.append((self.path, self.headers.get("Cookie", "")))
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(f'<title>elsewhere</title><a href="{self.link}">open</a>'.encode())

    def log_message(self, *words: object) -> None:
        return None


@pytest.fixture
def stranger() -> Iterator[ThreadingHTTPServer]:
    Stranger.asked = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Stranger)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


READ = """async ([url, headers]) => {
  const found = [];
  for (const mode of ["cors", "no-cors"]) {
    try { found.push(await (await fetch(`${url}/api/documents`, { mode, headers, credentials: "include" })).text()); } catch { }
  }
  await new Promise((done) => {
    const script = document.createElement("script");
    script.src = `${url}/api/documents`;
    script.onload = () => { found.push("loaded"); done(); };
    script.onerror = done;
    document.head.append(script);
  });
  return found.filter(Boolean);
}"""


def test_pages_elsewhere_read_nothing_and_a_link_there_still_opens(desk: Desk, browser, served, stranger) -> None:
    context = browser.new_context()
    with served(create_annotate_app(desk, TOKEN)) as url:
        page = context.new_page()
        page.goto(f"{url}/")
        playwright.expect(page.get_by_role("heading")).to_have_text("This page is closed")
        Stranger.link = f"{url}/?token={TOKEN}"
        elsewhere = f"http://localhost:{stranger.server_port}/"  # another site than 127.0.0.1
        page.goto(elsewhere)
        page.get_by_role("link").click()
        page.locator(".reader").wait_for()
        assert TOKEN not in page.url
        beside = f"http://127.0.0.1:{stranger.server_port}/"  # the same site, another port: the cookie goes there
        for address in (elsewhere, beside):
            page.goto(address)
            for headers in ({}, {"X-Raftsmith-Key": "guess"}):
                assert page.evaluate(READ, [url, headers]) == []
            assert page.evaluate("localStorage.length") == 0
        cookies = next(cookie for path, cookie in Stranger.asked if cookie)
        answer = context.request.get(f"{url}/api/documents", headers={"Cookie": cookies})
        assert answer.status == 401  # what that port got is half of a session
        context.close()


def test_nothing_can_be_sent_elsewhere_even_by_script_in_the_page(desk: Desk, browser, served, stranger) -> None:
    """Promise S12: the browser holds the page to its policy, whatever runs in it."""
    out = f"http://127.0.0.1:{stranger.server_port}/stolen"
    tries = """async (out) => {
      const tried = [];
      const attempt = async (name, action) => { try { await action(); tried.push(name); } catch { } };
      await attempt("fetch", () => fetch(out, { mode: "no-cors" }));
      await attempt("socket", () => new Promise((ok, no) => { const s = new WebSocket(out.replace("http", "ws")); s.onopen = ok; s.onerror = no; }));
      await attempt("beacon", () => { if (!navigator.sendBeacon(out, "x")) throw 0; });
      for (const [tag, key] of [["img", "src"], ["script", "src"], ["link", "href"], ["iframe", "src"], ["object", "data"], ["video", "src"]]) {
        await attempt(tag, () => new Promise((ok, no) => {
          const node = document.createElement(tag);
          if (tag === "link") node.rel = "stylesheet";
          node.onload = ok; node.onerror = no; setTimeout(no, 300);
          node[key] = out;
          document.body.append(node);
        }));
      }
      await attempt("markup", () => { document.body.insertAdjacentHTML("beforeend", "<b>x</b>"); });
      await attempt("inline", () => { const s = document.createElement("script"); s.text = "window.ran = 1"; document.body.append(s); if (!window.ran) throw 0; });
      await attempt("form", () => { const f = document.createElement("form"); f.action = out; document.body.append(f); f.submit(); });
      await new Promise((done) => setTimeout(done, 500));
      return tried;
    }"""
    context = browser.new_context()
    with served(create_annotate_app(desk, TOKEN)) as url:
        seen = Seen(context.new_page(), url).open()
        tried = seen.page.evaluate(tries, out)
        assert set(tried) <= {"form", "iframe", "beacon"}  # these do not say that they were stopped
        assert Stranger.asked == [] and seen.page.url == f"{url}/"
        context.close()


def long_text(pages: int) -> str:
    """So many pages of numbered sentences, 3,000 characters each."""
    sentences = ("The supplier keeps item {0} in good repair.", "Notice under item {0} is given in writing within ten days.")
    return "\n\n".join(
        f"Part {page}\n\n" + " ".join(sentences[n % 2].format(f"{page}.{n}") for n in range(60)) for page in range(1, pages + 1)
    )


def test_a_document_of_three_hundred_pages_opens_at_once_and_is_searched(desk: Desk, tmp_path: Path, opened) -> None:
    (tmp_path / "contract.txt").write_text(long_text(300))
    add_files(desk.store, tmp_path / "w", HashingEncoder(), [tmp_path / "contract.txt"], "texts", ChunkOptions(45))
    contract = document_with(desk.store, "item 300.1 ")
    wanted = "Notice under item 277.31 is given in writing within ten days."
    with opened(replace(desk, collection="texts")) as seen:
        seen.keys("/")
        started = time.monotonic()
        seen.write("277.31 writing")
        seen.keys("Enter")
        seen.says("passage 1 of 1")
        assert time.monotonic() - started < 5
        reader = seen.page.locator(".reader")
        assert reader.evaluate("box => box.textContent") == contract.text
        place = "document.getSelection().getRangeAt(0).getBoundingClientRect()"
        top, frame = seen.page.evaluate(f"[{place}.top, document.getElementById('main').getBoundingClientRect()]")
        assert frame["top"] <= top <= frame["bottom"]  # the passage is in sight, with the cursor before it
        at = contract.text.index(wanted)
        chunk = next(c for c in desk.store.chunks(contract.id) if c.start <= at < c.end)
        seen.keys(*["ArrowRight"] * (at - chunk.start + 1), "s", "e", *["ArrowLeft"] * 5, *["Shift+ArrowLeft"] * 8, "a")
        seen.write("How?")
        seen.keys("Enter")
        seen.says("question saved")
        started = time.monotonic()
        seen.keys("Control+Home", "Control+End", "Control+Home")
        assert seen.page.evaluate("document.getSelection().toString()") == "" and time.monotonic() - started < 5
        seen.keys("L", "J", "j", "j", "j")
        seen.has("#unit", "Passage 3 of")
    (question,) = desk.annotations.questions("default")
    assert question.evidence == (span_of(contract, wanted),)
    assert question.answers[0].text == contract.text[at + len(wanted) - 13 : at + len(wanted) - 5]


STEPS = """async ([key, count]) => {
  const times = [];
  for (let i = 0; i < count; i += 1) {
    const before = document.getElementById("title").textContent;
    const began = performance.now();
    document.activeElement.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
    while (document.getElementById("title").textContent === before) await new Promise((done) => setTimeout(done, 1));
    await new Promise((done) => requestAnimationFrame(done));
    times.push(performance.now() - began);
  }
  return times;
}"""


def test_five_thousand_examples_stay_quick(reviewing: Desk, opened) -> None:
    example = next(iter(reviewing.examples.values()))
    many = tuple(replace(example, id=f"e{n}", question=f"Question {n}?") for n in range(1, 5001))
    desk = replace(reviewing, dataset=replace(reviewing.dataset, examples=many))
    with opened(desk) as seen:
        seen.has("#total", "0 of 5000 reviewed")
        steps = seen.page.evaluate(STEPS, ["j", 250])
        seen.shows("Question 251?")
        verdicts = seen.page.evaluate(STEPS, ["y", 20])
        seen.shows("Question 271?")
        seen.has("#total", "20 of 5000 reviewed: 20 accepted")
        # Bounds for a busy machine; tests/benchmarks/annotation.py measures.
        assert statistics.median(steps[-50:]) < 400 and statistics.median(verdicts) < 800
        seen.keys("/")
        seen.write("Question 4999?")
        seen.keys("Enter")
        seen.shows("Question 4999?")
        assert seen.page.locator("#list li").count() == 1
    assert set(desk.annotations.verdicts("d")) == {f"e{n}" for n in range(251, 271)}


CONTRAST = """() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgb = (color) => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = color; canvas.fillRect(0, 0, 1, 1); return [...canvas.getImageData(0, 0, 1, 1).data]; };
  const light = (color) => color.slice(0, 3).map((c) => c / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)).reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (node) => { for (; node; node = node.parentElement) { const c = rgb(getComputedStyle(node).backgroundColor); if (c[3] === 255) return c; } return [255, 255, 255, 255]; };
  const poor = [];
  for (const node of document.querySelectorAll("body *")) {
    const own = [...node.childNodes].some((child) => child.nodeType === 3 && child.textContent.trim());
    if (!own || !node.checkVisibility() || node.matches(":disabled, :disabled *")) continue;
    const [a, b] = [light(rgb(getComputedStyle(node).color)), light(behind(node))].sort((x, y) => y - x);
    if ((a + 0.05) / (b + 0.05) < 4.5) poor.push([node.tagName, node.id, node.textContent.slice(0, 30), (a + 0.05) / (b + 0.05)]);
  }
  return poor;
}"""


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 1280), ("light", 800), ("dark", 390)])
def test_everything_is_legible_named_and_reachable(reviewing: Desk, opened, scheme: str, width: int) -> None:
    lease = document_with(reviewing.store, "deposit")
    reviewing.annotations.save_question(
        "default", AnnotatedQuestion("q", lease.id, "How much?", (span_of(lease, "nine hundred pounds"),), ())
    )
    reviewing.annotations.add_classes("default", ["duty"])
    reviewing.annotations.save_label("default", Label(lease.id, span_of(lease, "Lease"), "duty"))
    example = next(iter(reviewing.examples.values()))
    reviewing.annotations.save_review("d", judge(example, "reject", "", []))
    with opened(reviewing, color_scheme=scheme, viewport={"width": width, "height": 800}) as seen:
        for view in ("R", "L", "Q"):
            seen.keys(view)
            seen.page.locator("[aria-current=page]").get_by_text(
                {"R": "Review", "L": "Labels", "Q": "Questions"}[view]
            ).wait_for()
            seen.page.locator(".reader").first.wait_for()
            seen.page.locator("#show").select_option("all")
            seen.keys("Escape")
            seen.page.locator(f".reader[aria-label*='{'Passage 1' if view == 'R' else 'document'}']").wait_for()
            seen.keys("j")
            assert seen.page.evaluate(CONTRAST) == []
            assert seen.page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
            nodes = seen.page.locator("button, input, select, textarea, .reader, progress").all()
            for node in filter(lambda node: node.is_visible(), nodes):
                assert node.evaluate(NAME), node.evaluate("node => node.outerHTML")
        seen.keys("?")
        playwright.expect(seen.page.get_by_role("dialog", name="Keys")).to_be_visible()
        assert seen.page.evaluate(CONTRAST) == []
        seen.keys("Escape")
        playwright.expect(seen.page.get_by_role("dialog")).to_be_hidden()


# A name from its own label, or from text that a screen reader reads.
NAME = """(node) => {
  const of = (ids) => (ids || "").split(" ").map((id) => document.getElementById(id)).filter(Boolean).map((n) => n.textContent).join(" ");
  return (node.getAttribute("aria-label") || of(node.getAttribute("aria-labelledby")) || [...(node.labels || [])].map((n) => n.textContent).join(" ") || (node.tagName === "BUTTON" ? node.textContent : "")).trim();
}"""


def test_the_roles_are_those_a_screen_reader_needs(reviewing: Desk, opened) -> None:
    with opened(reviewing) as seen:
        page = seen.page
        for role, name in (
            ("navigation", "Tasks"),
            ("main", ""),
            ("region", "List"),
            ("region", "Review"),
            ("button", "Accept"),
            ("button", "Reject"),
            ("textbox", "Answer"),
            ("checkbox", "The documents do not answer"),
            ("searchbox", "Find in questions and answers"),
            ("combobox", "Show"),
            ("progressbar", "0 of 3 reviewed: 0 accepted, 0 edited, 0 rejected"),
            ("status", ""),
            ("alert", ""),
        ):
            playwright.expect(page.get_by_role(role, name=name, exact=True) if name else page.get_by_role(role)).to_have_count(
                1
            )
        boxes = page.get_by_role("textbox", name="Passage")
        playwright.expect(boxes).to_have_count(3)
        assert {box.get_attribute("aria-readonly") for box in boxes.all()} == {"true"}
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"  # where the keys go is seen
        # The list is one stop, whatever its length, and arrows move in it.
        page.locator("#show").focus()
        seen.keys("Tab", "ArrowDown")
        playwright.expect(page.get_by_role("button", name=f"2. {QUOTES[1][0]}")).to_be_focused()
        seen.keys("Enter")
        seen.shows(QUOTES[1][0])
        # Letters are letters again for whoever dictates or types by accident (WCAG 2.1.4).
        page.get_by_role("checkbox", name="Single-key shortcuts").uncheck()
        page.locator(".reader").first.focus()
        seen.keys("x", "j")
        seen.shows(QUOTES[1][0])
        assert reviewing.annotations.verdicts("d") == {}
