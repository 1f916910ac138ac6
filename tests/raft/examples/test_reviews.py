"""Reviews of generated examples: what they leave out, what they change, and what of them cannot be applied."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from corpora.errors import DatasetError
from corpora.records import Chunk
from corpora.workspace.workspace import create_workspace, open_workspace
from raft.examples.dataset import read_dataset, write_dataset
from raft.examples.grounding import Grounding
from raft.examples.options import ExampleOptions
from raft.examples.reviews import Review, apply_reviews, as_text, completion_id, edited, judge, read_reviews, write_reviews
from raft.prompts.format import ABSTENTION, parse_completion, render_abstention, render_completion
from raft.quotes.verification import verify_quote
from raft.records import Passage, RaftExample
from raft.training.options import TrainOptions
from raft.training.run_record import resolved_config
from raft.training.training_data import TrainingData, read_training_data
from retrieval.model_folders import ModelFolder
from serving.configuration import SECTIONS

TEXTS = ("The rent is nine hundred pounds. It is due monthly.", "Pets are  not allowed. Plants are.")
CHUNKS = [Chunk(f"c{n}", f"d{n}", 100 * n, 100 * n + len(t), t, f"T{n}", "", "", "") for n, t in enumerate(TEXTS, start=1)]


def example(name: str, sentence: str = "The rent is nine hundred pounds.", answer: str = "nine hundred pounds") -> RaftExample:
    passages = tuple(Passage(c.id, c.document_id, c.title, "", c.text) for c in CHUNKS)
    quote = verify_quote(sentence, CHUNKS)
    assert quote is not None
    text = render_completion([(int(quote.chunk_id[1:]), quote.text)], answer)
    oracle = (quote.chunk_id,)
    return RaftExample(name, "x", name, "Q?", passages, (1, 2), oracle, "answer", answer, (answer,), (quote,), text, "train")


def test_rejected_examples_go_edited_ones_change_and_the_others_stay() -> None:
    examples = [example(name) for name in "abcd"]
    other = render_completion([(1, "Pets are not allowed.")], "not")
    reviews = [judge(examples[0], "accept", "", CHUNKS), judge(examples[1], "reject", "", CHUNKS)]
    reviews.append(judge(examples[2], "edit", other, CHUNKS))
    found = apply_reviews(examples, reviews)
    assert (found.accepted, found.edited, found.rejected, found.unused) == (1, 1, 1, ())
    assert found.examples[0] == examples[0] and found.examples[2] == examples[3]
    changed = found.examples[1]
    assert (changed.answer, changed.answers, changed.oracles, changed.policy) == ("not", ("not",), ("c2",), "answer")
    quote = changed.quotes[0]
    assert (quote.document_id, quote.start, quote.end, quote.text) == ("d2", 200, 222, "Pets are  not allowed.")
    assert changed.completion == render_completion([(2, "Pets are  not allowed.")], "not")
    assert as_text(found) == "reviews: 1 accepted, 1 edited, 1 rejected and left out; 3 examples remain"


def test_an_edit_may_find_that_nothing_answers() -> None:
    changed = edited(example("a"), render_abstention(), CHUNKS)
    assert (changed.policy, changed.oracles, changed.quotes, changed.answer) == ("abstain-unanswerable", (), (), ABSTENTION)
    absent = replace(example("a"), policy="abstain-absent", oracles=("c9",))
    assert edited(absent, render_abstention(), CHUNKS).oracles == ("c9",)
    assert parse_completion(changed.completion).abstained


@pytest.mark.parametrize(
    ("completion", "reason"),
    [
        ("The rent is nine hundred pounds.", "has no '##Answer:'"),
        (render_completion([], "nine hundred"), "without a quote"),
        (render_completion([(1, "The rent is ten pounds.")], "ten"), "quote 1 of the completion is in none"),
        (render_completion([(1, "The rent is nine hundred pounds.")], ABSTENTION), "quotes and says"),
    ],
)
def test_an_edit_that_does_not_verify_is_refused(completion: str, reason: str) -> None:
    with pytest.raises(DatasetError, match=reason):
        judge(example("a"), "edit", completion, CHUNKS)
    found = apply_reviews([example("a")], [Review("a", "edit", completion_id(example("a")), completion)])
    assert found.examples == () and found.edited == 0 and "does not verify" in found.unused[0][1]


def test_a_quote_of_a_passage_whose_place_nothing_tells_is_not_applied() -> None:
    review = judge(example("a"), "edit", render_completion([(2, "Plants are.")], "yes"), CHUNKS)
    assert apply_reviews([example("a")], [review]).edited == 1
    found = apply_reviews([example("a")], [replace(review, quotes=())])
    assert found.edited == 0 and len(found.unused) == 1


def test_a_review_of_another_completion_or_of_no_example_is_counted_and_not_applied() -> None:
    old = judge(example("a"), "reject", "", CHUNKS)
    now = example("a", "It is due monthly.", "monthly")
    found = apply_reviews([now], [old, replace(old, example_id="gone")])
    assert found.examples == (now,) and found.rejected == 0
    assert sorted(reason for _, reason in found.unused) == [
        "no example has this id",
        "the example has changed since it was reviewed",
    ]
    assert "1 reviews not applied: no example has this id" in as_text(found)


def test_reviews_are_written_the_same_every_time_and_none_is_no_file(tmp_path: Path) -> None:
    reviews = [judge(example(name), "edit", render_completion([(2, "Plants are.")], "yes"), CHUNKS) for name in "ba"]
    assert read_reviews(tmp_path) is None
    write_reviews(tmp_path, reviews)
    first = read_reviews(tmp_path)
    write_reviews(tmp_path, reviews[::-1])
    assert first is not None and read_reviews(tmp_path) == first and first.reviews == tuple(reviews[::-1])
    (tmp_path / "reviews.jsonl").write_text('{"example_id": "a"}\n')
    with pytest.raises(DatasetError, match="line 1 of"):
        read_reviews(tmp_path)
    write_reviews(tmp_path, [])
    assert not (tmp_path / "reviews.jsonl").exists()


def test_only_reviews_that_exist_are_part_of_what_a_run_depends_on() -> None:
    base, data = ModelFolder("tiny", Path("tiny"), "0"), TrainingData("d", "digest", ())
    plain = resolved_config("r", base, data, TrainOptions(), "sft")
    reviewed = resolved_config("r", base, replace(data, reviews_digest="abc"), TrainOptions(), "sft")
    assert "reviews_digest" not in plain and reviewed == {**plain, "reviews_digest": "abc"}


def test_training_heeds_the_reviews_and_making_the_dataset_again_keeps_them(tmp_path: Path) -> None:
    create_workspace(tmp_path, SECTIONS)
    workspace = open_workspace(tmp_path)
    examples = [example(name) for name in "abc"]

    def write() -> None:
        write_dataset(workspace.dataset("d"), "d", Grounding(), [], examples, ExampleOptions(), 1, [])

    write()
    said: list[str] = []
    plain = read_training_data(workspace, "d", said.append)
    write_reviews(workspace.dataset("d"), [judge(examples[1], "reject", "", CHUNKS)])
    write()
    assert len(read_dataset(workspace.dataset("d")).examples) == 3
    reviewed, reviews = read_training_data(workspace, "d", said.append), read_reviews(workspace.dataset("d"))
    assert ([e.id for e in plain.examples], plain.reviews_digest) == (["a", "b", "c"], None)
    assert reviews is not None and ([e.id for e in reviewed.examples], reviewed.reviews_digest) == (["a", "c"], reviews.digest)
    assert len(said) == 1 and "1 rejected and left out; 2 examples remain" in said[0]
