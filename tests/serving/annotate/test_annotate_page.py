"""The annotation page in a real browser, by keyboard: what is selected is kept with exact offsets, documents stay text, and of two
people who change the same thing the second is told.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from annotation_browser import needs_chromium, playwright
from annotation_samples import QUOTES, document_with, make_session, span_of

from corpora.chunking.chunker import ChunkOptions
from raft.examples.reviews import read_reviews
from raft.prompts.format import render_completion
from retrieval.encoders.hashing import HashingEncoder
from retrieval.indexing.add_files import add_files
from serving.annotate.records import AnnotatedQuestion
from serving.annotate.session import AnnotationSession

pytestmark = needs_chromium
HOSTILE = (
    'Notes <img src="http://127.0.0.1:9/x.png" onerror="window.hacked = 1">\n\n'
    "<script>window.hacked = 2</script> A dose of \U0001f48a\U0001f48a ten mg is given. "
    '<iframe src="http://127.0.0.1:9/"></iframe> <a href="javascript:window.hacked=3">here</a>'
)


@pytest.fixture
def session(collection, tmp_path: Path) -> Iterator[AnnotationSession]:
    (tmp_path / "notes.txt").write_text(HOSTILE, encoding="utf-8")
    report = add_files(collection.store, tmp_path / "w", HashingEncoder(), [tmp_path / "notes.txt"], "texts", ChunkOptions(45))
    assert report.added == 1
    made = make_session(collection.store, tmp_path / "w", with_dataset=False)
    yield made
    made.annotations.close()


@pytest.fixture
def reviewing(session: AnnotationSession, tmp_path: Path) -> Iterator[AnnotationSession]:
    made = make_session(session.store, tmp_path / "w")
    yield made
    made.annotations.close()


def test_a_question_with_evidence_is_written_corrected_and_deleted_by_keyboard(session: AnnotationSession, opened) -> None:
    lease = document_with(session.store, "deposit")
    question, evidence, answer = QUOTES[0]
    with opened(session) as seen:
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
        seen.settled().keys("j")
        seen.has("#questions", "Are pets allowed? (no answer)")
    first, second = session.annotations.questions("default")
    assert (first.document_id, first.text) == (lease.id, f"{question} In pounds")
    assert first.answers == (span_of(lease, answer),) and first.evidence == (span_of(lease, evidence),)
    assert (second.text, second.answers) == ("Are pets allowed?", ())


def test_what_was_begun_is_not_left_without_a_word(session: AnnotationSession, opened) -> None:
    with opened(session) as seen:
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


def test_a_hostile_document_is_text_and_offsets_count_characters(session: AnnotationSession, opened) -> None:
    notes = document_with(session.store, "onerror")
    hostile = '<img src=x onerror="window.hacked = 4">'
    session.annotations.save_question("default", AnnotatedQuestion("q", notes.id, hostile, (), ()))
    session.annotations.add_classes("default", [hostile])
    with opened(session) as seen:
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
        seen.keys("/")
        seen.write("notes")
        seen.keys("Enter")
        seen.shows(notes.title)
        seen.keys("j", "1")
        seen.says(f"labelled {hostile}")
        assert seen.page.evaluate("window.hacked") is None
        assert seen.page.locator("#columns img, #columns script, #columns iframe, #columns a").count() == 0
    kept = session.annotations.questions("default")[1]
    assert kept.answers == (span_of(notes, "ten mg"),)
    label = session.annotations.labels("default")[0]
    chunk = session.store.chunks(notes.id)[0]
    assert (label.span.start, label.span.end, label.span.text) == (chunk.start, chunk.end, chunk.text)


def test_texts_are_labelled_by_keyboard(session: AnnotationSession, tmp_path: Path, opened) -> None:
    (tmp_path / "rules.txt").write_text(
        "Dogs are kept on a lead in streets. Cats may roam freely at any hour.\n\nThe deposit for a bird is nine pounds."
    )
    add_files(session.store, tmp_path / "w", HashingEncoder(), [tmp_path / "rules.txt"], "texts", ChunkOptions(10))
    rules = document_with(session.store, "Dogs")
    first, second, third = session.store.chunks(rules.id)
    with opened(session, allowed="status of 400") as seen:
        seen.keys("L")
        seen.settled().keys("/")
        seen.write("rules")
        seen.keys("Enter")
        seen.shows(rules.title)
        for name in ("duty", "right"):
            seen.keys("n")
            seen.write(name)
            seen.keys("Enter")
            seen.says(f"class {name} added")
        seen.keys("1")
        seen.says("labelled duty")
        seen.keys("j", "2")
        seen.has("#unit", "Passage 1 of 3")
        seen.has("#unit-progress", "2 of 4 texts of this document labelled")
        seen.keys("1")  # another class
        seen.keys("u")
        seen.says("undone")
        seen.keys("j", "1", "1")
        seen.says("label removed")
        seen.keys("j")
        seen.has("#unit", "Passage 3 of 3")
        seen.keys("s", "1")
        seen.says("labelled duty")
        seen.select(rules.text, "nine pounds")
        seen.keys("2")
        seen.says("labelled right")
        seen.page.get_by_role("button", name="Remove class right").press("Enter")
        seen.complains("in use")
        seen.has("#total", "1 of 5 documents has labels")
    labels = {label.span.text: label.name for label in session.annotations.labels("default")}
    assert labels == {rules.text: "duty", first.text: "right", third.text: "duty", "nine pounds": "right"}
    assert second.text == "Cats may roam freely at any hour."


def test_three_examples_are_reviewed_by_keyboard(reviewing: AnnotationSession, tmp_path: Path, opened) -> None:
    with opened(reviewing, allowed="status of 400") as seen:
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
        texts = [passage.text for passage in reviewing.examples["id-after-six-years"].passages]
        here, other = (next(n for n, text in enumerate(texts) if part in text) for part in ("barred", sentence))
        seen.keys(*["p"] * ((other - here) % len(texts)))
        seen.select(texts[other], sentence)
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


def test_of_two_annotators_the_second_is_told_and_both_keep_their_work(reviewing: AnnotationSession, opened) -> None:
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
            seen.keys("Escape", "Q")
            seen.settled().keys("j")
            seen.settled().shows(lease.title)
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
            seen.keys("L")
            seen.settled().keys("J")
            seen.settled().shows(lease.title)
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
