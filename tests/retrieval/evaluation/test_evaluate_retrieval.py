"""evaluate-retrieval and tune-search: judged sets from every source, the command line end to end, and what the report says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import ir_measures
import pytest
from beir_folders import run, value, write_beir_folder

from corpora.chunking.chunker import ChunkOptions
from corpora.errors import EvaluationError
from corpora.records import Evidence, Question
from corpora.store.corpus_store import CorpusStore
from corpora.store.evidence_location import document_names
from corpora.workspace.config import read_config
from corpora.workspace.workspace import create_workspace, open_workspace
from retrieval.encoders.hashing import HashingEncoder
from retrieval.evaluation.judged_queries import from_qrels, from_questions
from retrieval.evaluation.measures import ALL_MEASURES
from retrieval.evaluation.qrels import read_run
from retrieval.evaluation.system_comparison import System, evaluate_runs, foreign_run, ranked_items, run_system, verdict
from retrieval.indexing.add_files import add_files
from retrieval.records import Hit, SearchResult
from retrieval.search.fusion import Fusion
from retrieval.search.options import SearchOptions
from retrieval.search.pipelines import parse_configuration
from retrieval.search.retriever import Retriever
from retrieval.tuning.fusion_tuning import RankedQuery, learn_fusion
from retrieval.tuning.fusion_tuning import verdict as learnt_verdict
from serving.configuration import SECTIONS

WORDS = "lease deposit warfarin sepsis hearsay appeal lactate warranty tenant dose verdict statute fever clause probate insulin".split()


def text_of(number: int) -> str:
    """A note about two words, the second of which no other note puts after the first."""
    one, two = WORDS[number % 16], WORDS[(number * 5 + 3) % 16]
    return f"The {one} was long in case {number}. Its {two} had {number + 2} parts.\n\nNobody knows more about {one} {number}."


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with the hashing encoder and 48 notes."""
    root = tmp_path_factory.mktemp("workspace")
    config = create_workspace(root, SECTIONS)
    config.write_text(
        config.read_text().replace('"all-MiniLM-L6-v2"', '"hashing-256"').replace("max_words = 20 ", "max_words = 10 ")
    )
    folder = root / "notes"
    folder.mkdir()
    for number in range(48):
        (folder / f"note-{number}.txt").write_text(text_of(number))
    store = CorpusStore(root / "corpus.db")
    add_files(store, root, HashingEncoder(), sorted(folder.iterdir()), "default", ChunkOptions(10))
    store.close()
    return root


@pytest.fixture
def store(place: Path) -> Iterator[CorpusStore]:
    opened = CorpusStore(place / "corpus.db")
    yield opened
    opened.close()


def questions() -> list[Question]:
    return [
        Question(
            f"q/{n}", f"How many parts had the {WORDS[(n * 5 + 3) % 16]} of case {n}?", (str(n + 2),),
            (Evidence(f"note-{n}", f"Its {WORDS[(n * 5 + 3) % 16]} had {n + 2} parts."),), f"note-{n}",
        )
        for n in range(48)
    ]  # fmt: skip


def question_file(folder: Path) -> Path:
    rows = [
        {"id": q.id, "question": q.text, "answer": q.answers[0], "evidence": q.evidence[0].text, "document": q.document}
        for q in questions()
    ]
    path = folder / "questions.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def beir_folder(folder: Path) -> Path:
    return write_beir_folder(
        folder,
        {f"d{n}": text_of(n) for n in range(48)},
        {f"q{n}": f"{WORDS[(n * 5 + 3) % 16]} case {n}" for n in range(48)},
        {f"q{n}": f"d{n}" for n in range(48)},
    )


# Judged sets


def test_evidence_gives_chunks_and_documents(store: CorpusStore) -> None:
    judged = from_questions("mine", questions(), store)
    assert len(judged.queries) == 48 and not judged.dropped
    chunks = {chunk.id: chunk for chunk in store.chunks()}
    for query, question in zip(judged.queries, questions(), strict=True):
        assert any(question.evidence[0].text in chunks[item].text for item in query.relevant)
        assert {chunks[item].source.rpartition("/")[2] for item in query.relevant} == {f"{question.document}.txt"}
    documents = from_questions("mine", questions(), store, "document")
    assert all(list(query.relevant.values()) == [1] for query in documents.queries)
    assert {query.split for query in judged.queries} == {"train", "validation", "test"}


def test_evidence_across_chunks_counts_every_chunk_that_holds_half_of_itself(store: CorpusStore) -> None:
    whole = text_of(3).split("\n\n")[0]
    asked = [Question("w", "?", ("x",), (Evidence("note-3", whole),), "note-3")]
    chunks = {chunk.id: chunk.text for chunk in store.chunks()}
    assert sorted(chunks[item] for item in from_questions("w", asked, store).queries[0].relevant) == sorted(
        text for text in chunks.values() if text in whole
    )


def test_questions_that_cannot_be_judged_are_dropped_with_the_reason(store: CorpusStore) -> None:
    strange = [
        Question("a", "?", ("x",), (Evidence("note-1", "This stands nowhere."),), "note-1"),
        Question("b", "?", (), (), "note-1"),
        *questions()[:1],
    ]
    judged = from_questions("mine", strange, store)
    assert judged.reasons() == {"it has no evidence": 1, "its evidence is not in the document it names": 1}
    with pytest.raises(EvaluationError, match="1 x it has no evidence"):
        from_questions("mine", strange[:2], store)


def test_judgements_name_documents_in_many_ways(store: CorpusStore, place: Path) -> None:
    names = document_names(store)
    (identity,) = names.of("note-7")
    assert names.of("note-7.txt") == names.of(str(place / "notes" / "note-7.txt")) == names.of(identity) == {identity}
    qrels = {"q": {"note-7.txt": 2, "gone": 1}, "r": {"gone": 1}, "s": {"note-7": 0}, "t": {"note-7": 1}}
    judged = from_qrels("j", {"q": "x", "r": "y", "s": "z"}, qrels, store)
    assert [(query.id, query.relevant) for query in judged.queries] == [("q", {identity: 2})]
    assert {query for query, _ in judged.dropped} == {"r", "s", "t"}


# Runs and comparisons


def test_a_document_stands_where_its_best_chunk_does(store: CorpusStore) -> None:
    chunks = sorted(store.chunks(), key=lambda chunk: (chunk.document_id, chunk.start))[:6]
    order = [chunks[1], chunks[4], chunks[0], chunks[5]]
    result = SearchResult(tuple(Hit(rank, 1 / rank, chunk) for rank, chunk in enumerate(order, 1)), 1)
    assert [item for item, _ in ranked_items(result, "document")] == list(dict.fromkeys(chunk.document_id for chunk in order))
    assert ranked_items(result, "document")[0][1] == 1.0
    assert [item for item, _ in ranked_items(result, "chunk")] == [chunk.id for chunk in order]
    joined = SearchResult((Hit(1, 1.0, chunks[0], parts=(chunks[0].id, chunks[1].id)),), 1)
    assert [item for item, _ in ranked_items(joined, "chunk")] == [chunks[0].id, chunks[1].id]


def test_what_is_judged_is_what_search_gives(store: CorpusStore, place: Path) -> None:
    """The evaluation sees the order of `raftsmith search`, however much deeper it looks."""
    judged = from_questions("mine", questions(), store)
    for fusion in (Fusion(), Fusion("reciprocal-rank")):
        retriever = Retriever(store, place, HashingEncoder(), fusion)
        found = run_system(System("hybrid", retriever), judged)
        for query in judged.queries[:12]:
            served = [hit.chunk.id for hit in retriever.search([query.text], 10)[0].hits]
            assert [item for item, _ in found.run[query.id][:10]] == served


def test_a_foreign_run_keeps_the_places_of_strangers(store: CorpusStore) -> None:
    names = document_names(store)
    judged = from_qrels("j", {"q": "x"}, {"q": {"note-7": 1}}, store)
    foreign = foreign_run("bm25", {"q": [("stranger", 3.0), ("note-7", 2.0)], "other": []}, judged, names)
    assert [item for item, _ in foreign.run["q"]] == ["?stranger", *names.of("note-7")]
    evaluation = evaluate_runs(judged, [foreign])
    assert evaluation.scores[0].values["MRR@10"] == (0.5,) and "bm25 is best" in verdict(evaluation)
    with pytest.raises(EvaluationError, match="none of the 1 judged queries"):
        foreign_run("bm25", {"z": []}, judged, names)


@pytest.mark.parametrize("name", ["dance", "convex-2", "hybrid+", "convex-", "lexical-"])
def test_a_misspelt_configuration_says_what_is_accepted(name: str) -> None:
    with pytest.raises(EvaluationError, match="accepted: lexical, dense, hybrid"):
        parse_configuration(name, SearchOptions())


def test_configurations_by_name() -> None:
    given = SearchOptions(dense_weight=0.3, rerank="late-interaction", max_per_source=2)
    plain = parse_configuration("hybrid", given)
    assert (plain.mode, plain.search.dense_weight, plain.search.rerank, plain.search.max_per_source) == ("hybrid", 0.3, "", 0)
    assert parse_configuration("convex-.75+some/model", given).search.rerank == "some/model"
    assert parse_configuration("convex-.75", given).search.dense_weight == 0.75
    assert parse_configuration("rrf", given).search.fusion == "reciprocal-rank"
    assert parse_configuration("configured", given).search == given


# The command line


def test_questions_end_to_end(place: Path, tmp_path: Path) -> None:
    asked = question_file(tmp_path)
    found = value("evaluate-retrieval", "--questions", str(asked), "--configuration", "lexical,dense", "--configuration", "hybrid",
                  "--run-out", str(tmp_path / "out.trec"), "--workspace", str(place), "--report", "first")  # fmt: skip
    assert (
        found["n"] == 48
        and found["level"] == "chunk"
        and [s["name"] for s in found["systems"]] == ["lexical", "dense", "hybrid"]
    )
    assert len(found["comparisons"]) == 3 and found["best"] in found["verdict"]
    assert set(found["systems"][0]["measures"]) == set(ALL_MEASURES)
    folder = place / "reports" / "first"
    assert found["report"] == str(folder)
    assert (folder / "report.png").read_bytes()[:4] == b"\x89PNG"
    report = (folder / "report.md").read_text()
    assert found["verdict"] in report and "| lexical |" in report
    rows = [json.loads(line) for line in (folder / "queries.jsonl").read_text().splitlines()]
    assert len(rows) == 3 * 48
    mean = sum(row["nDCG@10"] for row in rows if row["system"] == "hybrid") / 48
    assert mean == pytest.approx(found["systems"][2]["measures"]["nDCG@10"]["value"])
    runs = {name: read_run(tmp_path / f"out.{name}.trec") for name in ("lexical", "dense", "hybrid")}
    assert all(len(run) == 48 for run in runs.values())
    qrels = [ir_measures.Qrel(row["query_id"], item, 1) for row in rows[::3] for item in row["relevant"]]
    again = ir_measures.calc_aggregate(
        [ALL_MEASURES["nDCG@10"]], qrels, ir_measures.read_trec_run(str(tmp_path / "out.hybrid.trec"))
    )
    assert next(iter(again.values())) == pytest.approx(mean, abs=1e-9)


def test_a_beir_folder_end_to_end(place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = beir_folder(tmp_path / "little")
    workspace = tmp_path / "ws"
    config = create_workspace(workspace, SECTIONS)
    config.write_text(config.read_text().replace('"all-MiniLM-L6-v2"', '"hashing-256"'))
    words = ("evaluate-retrieval", "--beir", str(folder), "--configuration", "lexical", "--workspace", str(workspace))
    first = value(*words, "--run-out", str(tmp_path / "one.trec"))
    assert first["n"] == 48 and first["level"] == "document" and first["about"]["documents"] == 48
    assert {item for ranking in read_run(tmp_path / "one.trec").values() for item, _ in ranking} <= {f"d{n}" for n in range(48)}
    second = value(*words, "--compare", f"again={tmp_path / 'one.trec'}")
    assert second["systems"][0]["measures"] == second["systems"][1]["measures"] and second["systems"][1]["ms_per_query"] is None
    assert second["comparisons"][0]["p"] == 1 and second["about"]["snapshot"] == first["about"]["snapshot"]
    monkeypatch.chdir(tmp_path)
    asked = question_file(tmp_path)
    for wrong, message in (
        (("--beir", str(folder), "--questions", str(asked)), "give one of"),
        (("--qrels", str(folder / "qrels" / "test.tsv")), "belong together"),
        ((), "give one of"),
    ):
        done = run("evaluate-retrieval", *wrong, "--workspace", str(place))
        assert done.exit_code == 2 and message in done.output


def test_a_beir_folder_for_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a workspace nothing is left but the report, in the current folder."""
    monkeypatch.setattr("retrieval.search.collection.load_encoder", lambda name, say: HashingEncoder())
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    monkeypatch.chdir(tmp_path)
    found = value("evaluate-retrieval", "--beir", str(beir_folder(tmp_path / "little")), "--report", "once")
    assert [s["name"] for s in found["systems"]] == ["lexical", "dense", "hybrid"] and found["report"] == "reports/once"
    assert (tmp_path / "reports" / "once" / "results.json").is_file() and not list((tmp_path / "temporary").iterdir())


def test_judgement_files_and_limits(place: Path, tmp_path: Path) -> None:
    folder = beir_folder(tmp_path / "little")
    qrels = tmp_path / "qrels.txt"
    qrels.write_text("".join(f"q{n} 0 note-{n}.txt 1\n" for n in range(48)))
    words = ("--qrels", str(qrels), "--queries", str(folder / "queries.jsonl"), "--workspace", str(place))
    found = value("evaluate-retrieval", *words, "--limit", "10", "--configuration", "lexical")
    assert found["n"] == 10 and found["level"] == "document"
    nothing = run("evaluate-retrieval", *words, "--only-split", "train")
    assert isinstance(nothing.exception, EvaluationError) and "there are: test, validation" in str(nothing.exception)


def test_tune_search_writes_what_wins(tmp_path: Path) -> None:
    """Where eight buckets drown dense search, words are better, and that is found out and written."""
    root = tmp_path / "ws"
    config = create_workspace(root, SECTIONS)
    config.write_text(
        config.read_text().replace('"all-MiniLM-L6-v2"', '"hashing-8"').replace("dense_weight = 0.6", "dense_weight = 0.9")
    )
    store = CorpusStore(root / "corpus.db")
    folder = tmp_path / "notes"
    folder.mkdir()
    for number in range(96):
        (folder / f"note-{number}.txt").write_text(text_of(number))
    add_files(store, root, HashingEncoder(8), sorted(folder.iterdir()), "default", ChunkOptions(10))
    store.close()
    qrels, queries = tmp_path / "qrels.txt", tmp_path / "queries.jsonl"
    qrels.write_text("".join(f"q{n} 0 note-{n}.txt 1\n" for n in range(96)))
    queries.write_text("".join(json.dumps({"_id": f"q{n}", "text": f"{WORDS[n % 16]} case {n}"}) + "\n" for n in range(96)))
    words = ("tune-search", "--qrels", str(qrels), "--queries", str(queries), "--workspace", str(root))
    dry = value(*words)
    assert dry["adopted"] and not dry["written"] and dry["search"]["dense_weight"] < 0.9 and dry["comparison"]["p"] < 0.05
    before = config.read_text()
    wrote = value(*words, "--write")
    assert wrote["written"] and read_config(config).options(SearchOptions).dense_weight == dry["search"]["dense_weight"]
    changed = [pair for pair in zip(before.split("\n"), config.read_text().split("\n"), strict=True) if pair[0] != pair[1]]
    assert len(changed) == 1 and changed[0][1].startswith("dense_weight = ") and "# Weight of meaning" in changed[0][1]
    again = value(*words, "--write")
    assert not again["written"] and "Keep" in again["verdict"]
    assert open_workspace(root).options(SearchOptions).dense_weight == dry["search"]["dense_weight"]


def test_too_few_questions_say_what_to_do(place: Path, tmp_path: Path) -> None:
    done = run("tune-search", "--questions", str(question_file(tmp_path)), "--workspace", str(place))
    assert isinstance(done.exception, EvaluationError)
    assert "at least 20 of each" in str(done.exception) and "--choose-on train" in str(done.exception)


def ranked(number: int, dense_right: bool) -> RankedQuery:
    right, wrong = f"z-right-{number}", f"wrong-{number}"
    dense = [(right, 0.9), (wrong, 0.2)] if dense_right else [(wrong, 0.9), (right, 0.2)]
    return RankedQuery(str(number), dense, [(wrong, 9.0), (right, 3.0), ("x", 1.0)], {right: 1})


def test_what_is_learnt_must_win_on_queries_that_did_not_choose_it() -> None:
    items = {name: name for n in range(80) for name in (f"z-right-{n}", f"wrong-{n}")} | {"x": "x"}
    usual = Fusion("convex", 0.3)
    good = [ranked(n, dense_right=True) for n in range(40)]
    bad = [ranked(n, dense_right=False) for n in range(40, 80)]
    won = learn_fusion(good, [ranked(n, dense_right=True) for n in range(40, 80)], items, usual)
    assert won.adopted and won.chosen.dense_weight > 0.3 and learnt_verdict(won).startswith("Use convex")
    lost = learn_fusion(good, bad, items, usual)
    assert lost.chosen == won.chosen and not lost.adopted and "may be noise" in learnt_verdict(lost)
    nothing = learn_fusion(bad, good, items, usual)
    assert nothing.chosen == usual and nothing.comparison is None and "none is better" in learnt_verdict(nothing)
    with pytest.raises(ValueError, match="at least 20"):
        learn_fusion(good[:19], bad, items, usual)
