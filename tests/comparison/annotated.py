"""What is sent to other tools and back: all that an annotation can be, on texts that are hard to count and to quote."""

from __future__ import annotations

import tempfile
from pathlib import Path

from corpora.records import Chunk, Document, content_id
from corpora.store.changes import NewDocument
from corpora.store.corpus_store import CorpusStore
from corpora.store.evidence_location import EvidenceLocator
from raft.examples.reviews import judge
from raft.prompts.format import render_completion
from raft.quotes.verification import verify_quote
from raft.records import Passage, RaftExample
from serving.annotate.formats.exchange import Sources
from serving.annotate.records import AnnotatedQuestion, Annotations, Label, Span, checked

PLAIN = (
    "Lease of 4 Mill Lane.\n\nThe tenant pays a deposit of nine hundred pounds.\nThe landlord returns it in ten days.\n\n"
    "1.\tPets are not allowed.   Birds are."
)
HARD = (
    "Dosage \U0001f48a\U0001f48a notes <b>&amp;</b> \u201cquoted\u201d\n\nNa\u00efve cafe\u0301 dose: ten\u00a0mg. "
    "\U0001f468\u200d\u2695\ufe0f says twice.\n\n\nTake {two} $text tablets \\ daily; \u65e5\u672c\u8a9e \u0645\u0631\u062d end."
)
CLASSES = ('lease "old" & <new>', "duty, or not", "never used", "\u65e5\u672c \U0001f48a")


def document(title: str, text: str) -> Document:
    return Document(content_id("document", "texts", text), "texts", title, "text/plain", text, f"/in/{title}.txt", "c")


def span(of: Document, text: str) -> Span:
    start = of.text.index(text)
    return Span(start, start + len(text), text)


DOCUMENTS = (document("Lease", PLAIN), document("Dosage \u201cA\u201d", HARD))


def chunks() -> list[Chunk]:
    """Each document as one chunk."""
    return [Chunk(f"chunk-{d.title}", d.id, 0, len(d.text), d.text, d.title, "", d.source, d.collection) for d in DOCUMENTS]


def example(identity: str, sentence: str, answer: str) -> RaftExample:
    """An example that shows both documents and answers with `sentence`."""
    shown = chunks()
    passages = tuple(Passage(c.id, c.document_id, c.title, c.section, c.text) for c in shown)
    quote = verify_quote(sentence, shown)
    assert quote is not None
    number = 1 + [chunk.id for chunk in shown].index(quote.chunk_id)
    completion = render_completion([(number, quote.text)], answer)
    answers, oracles = (answer,), (quote.chunk_id,)
    return RaftExample(
        identity, "c", identity, "How?", passages, (1, 2), oracles, "answer", answer, answers, (quote,), completion, "train"
    )


EXAMPLES = (
    example("accepted", "The landlord returns it in ten days.", "ten days"),
    example("rejected", "Pets are not allowed.", "no"),
    example("edited", "The landlord returns it in ten days.", "ten"),
    example("open", "Pets are not allowed.", "no pets"),
)
FOLDER = tempfile.TemporaryDirectory(prefix="raftsmith-")


def sources() -> Sources:
    """Both documents in a store, and the examples."""
    store = CorpusStore(Path(FOLDER.name) / "corpus.db")
    store.commit(added=[NewDocument(document, [], "", "", "", 0) for document in DOCUMENTS])
    return Sources(EvidenceLocator(store), EXAMPLES)


SOURCES = sources()


def annotations() -> Annotations:
    """Questions with several answers and evidence that overlap, one without an answer, labels of wholes and parts, reviews."""
    lease, dosage = DOCUMENTS
    deposit = "The tenant pays a deposit of nine hundred pounds."
    around = span(dosage, "dose: ten\u00a0mg. \U0001f468\u200d\u2695\ufe0f says")
    pounds = (span(lease, "nine hundred pounds"), span(lease, "nine hundred"))
    dose, japanese = span(dosage, "ten\u00a0mg"), span(dosage, "\u65e5\u672c\u8a9e")
    questions = (
        AnnotatedQuestion("q1", lease.id, "How much?", pounds, (span(lease, deposit),)),
        AnnotatedQuestion("q2", lease.id, "Is there a garden?", (), ()),
        AnnotatedQuestion("q3", dosage.id, "Which dose & <why> \U0001f48a?", (dose,), (around, japanese)),
    )
    labels = (
        Label(lease.id, Span(0, len(lease.text), lease.text), CLASSES[0]),
        Label(lease.id, span(lease, "returns it in ten days.\n\n1.\tPets"), CLASSES[1]),
        Label(dosage.id, span(dosage, "\U0001f48a notes <b>"), CLASSES[3]),
        Label(dosage.id, span(dosage, "\u0645\u0631\u062d end."), CLASSES[0]),
    )
    edit = render_completion([(2, "Take {two} $text tablets \\ daily;")], "two & a \U0001f48a")
    reviews = (
        judge(EXAMPLES[0], "accept", "", []),
        judge(EXAMPLES[1], "reject", "", []),
        judge(EXAMPLES[2], "edit", edit, chunks()),
    )
    documents = {each.id: each for each in DOCUMENTS}
    return Annotations(CLASSES, tuple(checked(q, documents[q.document_id]) for q in questions), labels, reviews)


def lost(before: Annotations, after: Annotations) -> list[str]:
    """What the round trip changed, a line each; reviews are compared as `judge` makes them of what came back."""
    by_id = {each.id: each for each in EXAMPLES}
    again = tuple(judge(by_id[r.example_id], r.verdict, r.completion, chunks()) for r in after.reviews)
    key = lambda item: repr(item)  # noqa: E731
    pairs = {
        "classes": (before.classes, tuple(dict.fromkeys(after.classes))),
        "questions": (sorted(before.questions, key=key), sorted(after.questions, key=key)),
        "labels": (sorted(before.labels, key=key), sorted(after.labels, key=key)),
        "reviews": (sorted(before.reviews, key=key), sorted(again, key=key)),
    }
    return [f"{name}: {was!r} became {now!r}" for name, (was, now) in pairs.items() if list(was) != list(now)]
