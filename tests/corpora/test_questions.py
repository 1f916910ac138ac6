"""Question–answer sets: every accepted format exactly, broken rows with their reason, and the shared sets read to the end."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpora.chunking.chunker import join_blocks
from corpora.errors import QuestionsError
from corpora.questions import read_questions, sentence_around
from corpora.questions.evidence import tidy
from corpora.records import Evidence, Question, QuestionSet
from corpora.text.cleaning import clean_line

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared" / "data"
SAMPLES = ROOT / "corpora" / "samples" / "questions"

LEASE = "The term is five years. The rent is 900 euros a month, payable on the first day.\n\nPets are not allowed."


def written(folder: Path, value: Any, name: str = "questions.json") -> Path:
    path = folder / name
    path.write_text(value if isinstance(value, str) else json.dumps(value), encoding="utf-8")
    return path


def lines(*rows: Any) -> str:
    return "\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows) + "\n"


def squad(*items: dict[str, Any], **article: Any) -> dict[str, Any]:
    return {"data": [{"title": "Lease", **article, "paragraphs": [{"context": LEASE, "qas": list(items)}]}]}


def texts(question_set: QuestionSet) -> dict[str, str]:
    """Each document of the set, by its name, as the collection will hold it."""
    return {document.part: join_blocks(document.blocks)[0] for document in question_set.documents}


def assert_evidence_is_carried(question_set: QuestionSet) -> None:
    document_texts = {name: " ".join(text.split()) for name, text in texts(question_set).items()}
    assert all(document.title and document.part for document in question_set.documents)
    assert len({document.part for document in question_set.documents}) == len(question_set.documents)
    wrong = [q.id for q in question_set.questions for e in q.evidence if e.text not in document_texts.get(e.document, "")]
    assert not wrong, f"{len(wrong)}: {wrong[:5]}"
    for question in question_set.questions:
        if question.answerable:
            assert question.evidence and question.document in document_texts
            assert not question.extractive or question.answers[0] in question.evidence[0].text


class TestSquad:
    def test_an_answer_an_unanswerable_question_and_the_context_as_a_document(self, tmp_path: Path) -> None:
        qa = {"id": "1", "question": " What is the rent? ", "answers": [{"text": "900 euros", "answer_start": 36}]}
        open_ = {"id": "2", "question": "Who is the landlord?", "is_impossible": True, "answers": [], "plausible_answers": []}
        question_set = read_questions(written(tmp_path, squad(qa, open_)))
        rent = Evidence("Lease", "The rent is 900 euros a month, payable on the first day.")
        assert question_set.format == "squad" and not question_set.dropped
        assert question_set.questions == (
            Question("1", "What is the rent?", ("900 euros",), (rent,), "Lease"),
            Question("2", "Who is the landlord?", (), (), "Lease"),
        )
        assert texts(question_set) == {"Lease": LEASE}
        assert [block.text for block in question_set.documents[0].blocks] == LEASE.split("\n\n")

    def test_numbers_for_ids_answers_without_a_start_and_plausible_answers(self, tmp_path: Path) -> None:
        question_set = read_questions(
            written(
                tmp_path,
                squad(
                    {"id": 262, "question": "Pets?", "answers": [{"text": "not allowed", "answer_start": None}]},
                    {"id": 263, "question": "Rent?", "answers": [{"text": "900 euros"}, {"text": "900 euros a month"}]},
                    {"id": 264, "question": "Term?", "answers": [{"text": "The"}]},
                    {"id": 265, "question": "Deposit?", "answers": [{"text": "two months", "answer_start": -1}]},
                    {
                        "id": 266,
                        "question": "Landlord?",
                        "answers": [],
                        "plausible_answers": [{"text": "Pets", "answer_start": 0}],
                    },
                    {"id": None, "question": "How long?", "answers": [{"text": "five years"}], "is_impossible": None},
                ),
            )
        )
        assert [q.id for q in question_set.questions[:3]] == ["262", "263", "266"] and len(question_set.questions[3].id) == 20
        assert question_set.questions[1].answers == ("900 euros", "900 euros a month")
        assert question_set.questions[2].answers == ()
        assert question_set.dropped == (
            ("264", "an answer without answer_start is in the context more than once"),
            ("265", "an answer without answer_start is not in the context"),
        )

    def test_what_is_broken_or_contradicts_itself_is_dropped_with_its_reason(self, tmp_path: Path) -> None:
        value = squad(
            {"id": "1", "question": "Rent?", "answers": [{"text": "900 euros", "answer_start": 7}]},
            {"id": "2", "question": "Rent?", "answers": []},
            {"id": "3", "question": "  ", "is_impossible": True},
            {"id": "4", "answers": []},
            {"id": "5", "question": "Pets?", "answers": [{"text": "", "answer_start": 0}]},
            {"id": "6", "question": "Pets?", "answers": "Pets are not allowed"},
            {"id": "6", "question": "Cats?", "is_impossible": True},
        )
        value["data"] += [{"paragraphs": [{"qas": []}, {"context": "x"}]}, 7]
        question_set = read_questions(written(tmp_path, value))
        assert [question.id for question in question_set.questions] == ["6"]
        assert question_set.dropped == (
            ("1", "the answer is not at its answer_start in the context"),
            ("2", "it is answerable but has no answer"),
            ("3", "the question is empty"),
            ("4", "question: field required"),
            ("5", "an answer is empty"),
            ("6", "the id occurs twice"),
            ("article 2, paragraph 1", "context: field required"),
            ("article 2, paragraph 2", "it has no list `qas`"),
            ("article 3", "it has neither a list `paragraphs` nor a context"),
        )

    def test_an_untitled_document_takes_its_number_or_a_name_by_content(self, tmp_path: Path) -> None:
        item = {"id": 1, "question": "Pets?", "answers": [{"text": "not allowed", "answer_start": LEASE.index("not allowed")}]}
        numbered = {"data": [{"paragraphs": [{"context": LEASE, "document_id": 630, "qas": [item]}]}]}
        assert read_questions(written(tmp_path, numbered)).questions[0].document == "630"
        unnamed = read_questions(written(tmp_path, squad(item, title="")))
        assert unnamed.questions[0].document.startswith("context ")
        assert_evidence_is_carried(unnamed)

    def test_flat_rows_share_a_context_and_cannot_be_answered_without_answers(self, tmp_path: Path) -> None:
        first = {"id": "a", "title": "Lease", "context": LEASE, "question": "Rent?"}
        rows = (
            {**first, "answers": {"text": ["900 euros"], "answer_start": [36]}},
            {**first, "id": "b", "question": "Landlord?", "answers": {"text": [], "answer_start": []}},
        )
        for value in (lines(*rows), list(rows), {"version": "2", "data": list(rows)}):
            question_set = read_questions(written(tmp_path, value))
            assert (question_set.format, len(question_set.questions), len(question_set.documents)) == ("squad", 2, 1)
            assert question_set.questions[0].answers == ("900 euros",) and not question_set.questions[1].answerable

    def test_evidence_of_its_own_points_elsewhere(self, tmp_path: Path) -> None:
        item = {"id": "1", "question": "Rent?", "answers": [{"text": "900 euros", "answer_start": 36}]}
        told = {**item, "evidence": [{"document": "lease.pdf", "text": "The rent is  900 euros a month."}]}
        question_set = read_questions(written(tmp_path, squad(told)))
        assert question_set.questions[0].evidence == (Evidence("lease.pdf", "The rent is 900 euros a month."),)
        assert not question_set.documents

    def test_the_sentence_around_an_answer(self) -> None:
        assert sentence_around(LEASE, 36, "900 euros") == "The rent is 900 euros a month, payable on the first day."


PUBMED: dict[str, Any] = {
    "QUESTION": "Does aspirin prevent strokes?",
    "CONTEXTS": [
        "Aspirin might prevent strokes in adults.",
        "We followed 200 adults. Aspirin lowered the number of strokes by half. Weight did not change.",
    ],
    "LABELS": ["BACKGROUND", "RESULTS"],
    "YEAR": "2001",
    "final_decision": "yes",
    "LONG_ANSWER": "In adults aspirin halves the number of strokes.",
}


class TestPubMedQA:
    def test_the_evidence_is_the_sentence_of_the_results_nearest_to_the_conclusion(self, tmp_path: Path) -> None:
        question_set = read_questions(written(tmp_path, {"11": PUBMED}))
        evidence = Evidence("11", "Aspirin lowered the number of strokes by half.")
        assert question_set.questions == (Question("11", PUBMED["QUESTION"], ("yes",), (evidence,), "11", extractive=False),)
        document = question_set.documents[0]
        assert [(block.kind, block.text) for block in document.blocks][::2] == [
            ("heading", "Background"),
            ("heading", "Results"),
        ]
        assert (question_set.format, document.part, document.metadata) == (
            "pubmedqa",
            "11",
            {"identifier": "11", "date": "2001"},
        )

    def test_without_labels_every_sentence_counts_and_rows_are_read_too(self, tmp_path: Path) -> None:
        row = {
            "pubid": 12,
            "question": PUBMED["QUESTION"],
            "context": {"contexts": PUBMED["CONTEXTS"], "labels": []},
            "long_answer": "Aspirin might prevent strokes.",
            "final_decision": "maybe",
        }
        question_set = read_questions(written(tmp_path, lines(row, "torn"), "rows.jsonl"))
        assert question_set.questions[0].evidence == (Evidence("12", "Aspirin might prevent strokes in adults."),)
        assert question_set.questions[0].answers == ("maybe",) and question_set.dropped == (
            ("line 2", "it is not a JSON object"),
        )

    def test_what_cannot_be_used_is_dropped(self, tmp_path: Path) -> None:
        value = {
            "1": {**PUBMED, "final_decision": None},
            "2": {**PUBMED, "LONG_ANSWER": ""},
            "3": {**PUBMED, "LONG_ANSWER": "Nothing here matches."},
            "4": {"QUESTION": "Why?"},
        }
        assert read_questions(written(tmp_path, value)).dropped == (
            ("1", "it has no final_decision"),
            ("2", "it has no LONG_ANSWER to find evidence with"),
            ("3", "no sentence of its contexts shares a word with its conclusion"),
            ("4", "CONTEXTS: field required"),
        )


class TestBioASQ:
    SNIPPETS = (
        {
            "document": "http://www.ncbi.nlm.nih.gov/pubmed/5",
            "text": "Mutations of CFTR cause cystic fibrosis. It is recessive.",
        },
        {"document": "http://www.ncbi.nlm.nih.gov/pubmed/6", "text": "Lungs and pancreas are affected."},
    )

    def item(self, **fields: Any) -> dict[str, Any]:
        return {"id": "q", "body": "Which gene is mutated in cystic fibrosis?", "snippets": self.SNIPPETS, **fields}

    def test_each_type_is_answered_in_its_way(self, tmp_path: Path) -> None:
        value = {
            "questions": [
                self.item(id="f", type="factoid", exact_answer=[["ABCC7", "CFTR"]], ideal_answer=["The CFTR gene."]),
                self.item(id="y", type="yesno", exact_answer="Yes", ideal_answer="Yes, it is recessive."),
                self.item(
                    id="l", type="list", exact_answer=[["lungs", "lung"], ["pancreas"]], ideal_answer=["Lungs, pancreas"]
                ),
                self.item(id="s", type="summary", ideal_answer=["Cystic fibrosis follows from mutations of a gene."]),
            ]
        }
        question_set = read_questions(written(tmp_path, value))
        cause = (Evidence("5", "Mutations of CFTR cause cystic fibrosis."),)
        body = "Which gene is mutated in cystic fibrosis?"
        assert question_set.format == "bioasq" and not question_set.dropped
        assert question_set.questions == (
            Question("f", body, ("CFTR", "ABCC7"), cause, "5"),
            Question("y", body, ("yes",), (Evidence("5", "It is recessive."),), "5", extractive=False),
            Question(
                "l", body, ("lungs, pancreas",), (Evidence("6", "Lungs and pancreas are affected."),), "6", extractive=False
            ),
            Question("s", body, ("Cystic fibrosis follows from mutations of a gene.",), cause, "5", extractive=False),
        )
        assert texts(question_set) == {"5": self.SNIPPETS[0]["text"], "6": self.SNIPPETS[1]["text"]}
        assert_evidence_is_carried(question_set)

    def test_test_batches_and_missing_snippets_are_dropped(self, tmp_path: Path) -> None:
        value = {"questions": [self.item(id="t"), self.item(id="n", ideal_answer="x", snippets=[]), {"id": "b"}, None]}
        assert read_questions(written(tmp_path, value)).dropped == (
            ("t", "it has neither an exact nor an ideal answer"),
            ("n", "it has no snippet with text"),
            ("b", "body: field required"),
            ("question 4", "the row: input should be a valid dictionary or instance of _Item"),
        )


PAGE = """<?xml version="1.0" encoding="ISO-8859-1"?>
<Document id="0000007" source="NHLBI" url="http://example.org/anemia"><Focus>Anemia</Focus><QAPairs>
<QAPair pid="1"><Question qid="0000007-1" qtype="information">What is (are) Anemia ?</Question>
<Answer>What is anemia? Anemia is a lack of red blood cells.

Its causes are many.</Answer></QAPair>
<QAPair pid="2"><Question qid="0000007-2" qtype="treatment">What are the treatments for Anemia ?</Question>
<Answer>Key Points
 - Iron helps most people with anemia. - Blood may be given.</Answer></QAPair>
<QAPair pid="3"><Question qid="0000007-3" qtype="outlook">What is the outlook for Anemia ?</Question><Answer/></QAPair>
</QAPairs></Document>"""


class TestMedQuAD:
    def test_a_page_is_a_document_and_the_first_statement_of_a_section_the_answer(self, tmp_path: Path) -> None:
        question_set = read_questions(written(tmp_path, PAGE, "page.xml"))
        first = "Anemia is a lack of red blood cells."
        second = "Iron helps most people with anemia."
        assert question_set.format == "medquad"
        assert question_set.questions == (
            Question("NHLBI_0000007-1", "What is (are) Anemia ?", (first,), (Evidence("Anemia", first),), "Anemia"),
            Question(
                "NHLBI_0000007-2", "What are the treatments for Anemia ?", (second,), (Evidence("Anemia", second),), "Anemia"
            ),
        )
        assert question_set.dropped == (("NHLBI_0000007-3", "it has no answer; MedQuAD leaves those of MedlinePlus out"),)
        (document,) = question_set.documents
        assert document.metadata == {"url": "http://example.org/anemia", "publisher": "NHLBI"}
        assert [block.text for block in document.blocks if block.kind == "heading"] == ["Information", "Treatment"]

    def test_a_folder_drops_what_is_no_page_and_tells_subjects_apart(self, tmp_path: Path) -> None:
        folder = tmp_path / "set" / "inner"
        folder.mkdir(parents=True)
        written(folder, PAGE, "1.xml")
        written(folder, PAGE.replace("NHLBI", "GARD"), "2.xml")
        written(folder, "<Document><Focus>", "3.xml")
        written(folder, "<html/>", "4.xml")
        question_set = read_questions(tmp_path / "set")
        assert [document.part for document in question_set.documents] == ["Anemia (NHLBI)", "Anemia (GARD)"]
        assert question_set.dropped[:2] == (
            ("inner/3.xml", "it is not well-formed XML"),
            ("inner/4.xml", "it is not a page of MedQuAD"),
        )
        assert_evidence_is_carried(question_set)

    def test_no_entity_is_read_from_the_disk(self, tmp_path: Path) -> None:
        secret = written(tmp_path, "the secret of the house is here.", "secret.txt")
        page = PAGE.replace("?>", f'?><!DOCTYPE d [<!ENTITY x SYSTEM "{secret.as_uri()}">]>', 1).replace(
            "Its causes", "&x; Its"
        )
        assert "secret" not in str(read_questions(written(tmp_path, page, "page.xml")))

    def test_rows_with_a_focus_are_read_alike(self, tmp_path: Path) -> None:
        text = "question,answer,source,focus_area\nWhat is Anemia ?,Anemia is a lack of red blood cells.,NHLBI,Anemia\n"
        question_set = read_questions(written(tmp_path, text, "medquad.csv"))
        assert question_set.format == "medquad" and question_set.questions[0].document == "Anemia"


class TestGorilla:
    ORACLE = "Neural Models\nYoshua Bengio\n\nThe goal is to learn the joint\nprobability of words. It is hard."

    def row(self, answer: str, **fields: Any) -> dict[str, Any]:
        context = {"sentences": [["Another passage.", self.ORACLE]], "title": [["placeholder_title", "placeholder_title"]]}
        return {
            "id": "g",
            "type": "general",
            "question": "1. What is the goal?  ",
            "context": context,
            "oracle_context": self.ORACLE,
            "cot_answer": answer,
            "instruction": "<DOCUMENT>Another passage.</DOCUMENT>",
            **fields,
        }

    def test_the_quote_gives_the_evidence_and_the_marker_the_answer(self, tmp_path: Path) -> None:
        answer = 'Look: ##begin_quote##"learn the joint probability of words"##end_quote## So.\n<ANSWER>: the joint probability of words'
        question_set = read_questions(written(tmp_path, lines(self.row(answer)), "raft.jsonl"))
        name = question_set.documents[0].part
        evidence = (Evidence(name, "The goal is to learn the joint probability of words."),)
        assert name.startswith("passage ") and question_set.format == "gorilla"
        assert question_set.questions == (
            Question("g", "What is the goal?", ("the joint probability of words",), evidence, name),
        )

    def test_an_invented_quote_counts_for_nothing_and_a_title_is_used(self, tmp_path: Path) -> None:
        answer = "##begin_quote##It is easy.##end_quote## <ANSWER>: Not easy but hard"
        titles = {"sentences": [["Another passage.", self.ORACLE]], "title": [["Other", "Paper"]]}
        question_set = read_questions(written(tmp_path, lines(self.row(answer, context=titles)), "raft.jsonl"))
        expected = Question(
            "g", "What is the goal?", ("Not easy but hard",), (Evidence("Paper", "It is hard."),), "Paper", False
        )
        assert question_set.questions == (expected,)

    def test_a_row_without_an_answer_is_dropped(self, tmp_path: Path) -> None:
        rows = (self.row("No idea."), self.row("<ANSWER>: xyzzy", id="h", question="xyzzy?"), self.row("", cot_answer=None))
        assert read_questions(written(tmp_path, lines(*rows))).dropped == (
            ("g", "its cot_answer has no <ANSWER>:"),
            ("h", "no sentence of its oracle_context shares a word with its answer"),
            ("g", "cot_answer: field required"),
        )


class TestRows:
    def test_usual_names_are_recognised_and_quotes_are_taken_whole(self, tmp_path: Path) -> None:
        row = {
            "qid": 5,
            "query": "What is the rent?",
            "reference": "900 euros",
            "evidence": "The rent is 900 euros.",
            "source": "a.pdf",
        }
        question_set = read_questions(written(tmp_path, lines(row), "rows.jsonl"))
        evidence = (Evidence("a.pdf", "The rent is 900 euros."),)
        assert question_set == QuestionSet(
            (Question("5", "What is the rent?", ("900 euros",), evidence, "a.pdf"),), (), "jsonl"
        )

    def test_passages_are_documents_of_the_set(self, tmp_path: Path) -> None:
        rows = (
            {"user_input": "Rent?", "reference": "900 euros", "reference_contexts": ["Other things.", LEASE]},
            {"user_input": "Are dogs allowed as pets?", "reference": "No", "reference_contexts": [LEASE]},
        )
        question_set = read_questions(written(tmp_path, lines(*rows), "rows.jsonl"))
        rent, pets = question_set.questions
        assert rent.evidence[0].text == "The rent is 900 euros a month, payable on the first day." and rent.extractive
        assert pets.evidence[0].text == "Pets are not allowed." and not pets.extractive and pets.answers == ("No",)
        assert rent.document == pets.document and len(question_set.documents) == 2
        assert_evidence_is_carried(question_set)

    def test_a_mapping_names_the_columns_of_a_csv(self, tmp_path: Path) -> None:
        text = (
            "Nr;Frage;Antwort;Beleg;Akte\n7;Wie hoch ist die Miete?;900 Euro;Die Miete beträgt 900 Euro.;vertrag\n8;Leer?;;;\n"
        )
        text += "9;a;b;c;d;e\n"
        path = tmp_path / "fragen.csv"
        path.write_bytes(text.encode("cp1252"))
        mapping = {"question": "Frage", "answer": "Antwort", "evidence": "Beleg", "document": "Akte", "id": "Nr"}
        question_set = read_questions(path, mapping)
        evidence = (Evidence("vertrag", "Die Miete beträgt 900 Euro."),)
        assert question_set.questions == (Question("7", "Wie hoch ist die Miete?", ("900 Euro",), evidence, "vertrag"),)
        assert question_set.format == "csv"
        assert question_set.dropped == (("row 3", "it has more cells than the header"), ("8", "it has no answer"))

    def test_without_evidence_a_long_answer_stands_for_itself(self, tmp_path: Path) -> None:
        rows = (
            {"question": "Pets?", "answer": "Pets are not allowed in this house."},
            {"question": "Rent?", "answer": "900 euros"},
            {"question": ["a?", "b?"], "answer": ["x", "y"]},
        )
        question_set = read_questions(written(tmp_path, list(rows)))
        assert [q.evidence for q in question_set.questions] == [(Evidence("", rows[0]["answer"]),)]
        assert [reason for _, reason in question_set.dropped] == [
            "it has no evidence, and its answer is too short to be looked for in the documents",
            "it holds more than one question",
        ]

    def test_a_long_field_and_line_ends_inside_one(self, tmp_path: Path) -> None:
        buffer = io.StringIO()
        writer = csv.writer(buffer)
        writer.writerows(
            [("question", "answer", "context"), ("Rent?", "900 euros", LEASE + "\n\n" + "Nothing here. " * 20_000)]
        )
        limit = csv.field_size_limit()
        question_set = read_questions(written(tmp_path, buffer.getvalue(), "rows.csv"))
        assert question_set.questions[0].evidence[0].text == "The rent is 900 euros a month, payable on the first day."
        assert csv.field_size_limit() == limit

    def test_ids_come_from_content_and_not_from_position(self, tmp_path: Path) -> None:
        rows = [{"question": f"{n}?", "answer": "x", "evidence": "x y"} for n in range(3)]
        ids = {q.text: q.id for q in read_questions(written(tmp_path, lines(*rows))).questions}
        again = {q.text: q.id for q in read_questions(written(tmp_path, lines(*reversed(rows)))).questions}
        assert ids == again and len(set(ids.values())) == 3


@pytest.mark.parametrize(
    ("text", "mapping", "message"),
    [
        ("", {}, "is empty. Accepted: SQuAD"),
        ("Just a letter.", {}, "'Just a letter.', which is neither JSON nor the header of a CSV. Accepted: SQuAD"),
        ("[]", {}, "holds no row"),
        ('{"data": []}', {}, "read as squad and holds no question"),
        ('{"data": [', {}, "neither one JSON value nor JSONL"),
        ('{"prompt": "x", "text": "y"}', {}, "hold the answer; its columns are prompt, text; name it with --map answer=COLUMN"),
        ("a,b\n1,2\n", {"question": "c"}, "no column 'c' for question; its columns are a, b"),
        ("a,b\n1,2\n", {"qestion": "a"}, "'qestion' is not a field; accepted: .* did you mean question?"),
        ('{"questions": [{"id": "1"}]}', {"question": "body"}, "format bioasq, whose fields are known"),
        ("<html><body>x</body></html>", {}, "is XML and not of MedQuAD: it is not a page of MedQuAD"),
    ],
)
def test_errors_say_what_arrived_and_what_is_accepted(tmp_path: Path, text: str, mapping: dict[str, str], message: str) -> None:
    with pytest.raises(QuestionsError, match=message):
        read_questions(written(tmp_path, text), mapping)


def test_files_that_cannot_be_opened_unpacked_or_decoded(tmp_path: Path) -> None:
    with pytest.raises(QuestionsError, match="cannot be read: No such file"):
        read_questions(tmp_path / "none.json")
    (tmp_path / "torn.gz").write_bytes(gzip.compress(b'{"data": []}' * 99)[:-9])
    with pytest.raises(QuestionsError, match="damaged gzip"):
        read_questions(tmp_path / "torn.gz")
    (tmp_path / "model.bin").write_bytes(b"\x00\x01\x02\x03" * 99)
    with pytest.raises(QuestionsError, match="is binary"):
        read_questions(tmp_path / "model.bin")
    with pytest.raises(QuestionsError, match="a folder with 0 XML files"):
        read_questions(tmp_path)


@pytest.mark.parametrize("collection", ["medical", "legal"])
def test_our_own_samples_are_read(collection: str) -> None:
    question_set = read_questions(SAMPLES / f"{collection}.json")
    assert (
        question_set.format == "squad"
        and len(question_set.questions) > 500
        and not question_set.dropped
        and not question_set.documents
    )
    assert all(question.extractive for question in question_set.questions)


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126)))
def test_the_short_way_of_cleaning_gives_what_cleaning_gives(text: str) -> None:
    assert tidy(text) == clean_line(text)


def shared(*parts: str) -> QuestionSet:
    path = SHARED.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"{Path(*parts)} of the shared data is not here")
    return read_questions(path)


def test_all_of_pubmedqa_train() -> None:
    question_set = shared("pubmedqa_train", "pqal_train.json.gz")
    assert (question_set.format, len(question_set.questions), question_set.dropped, len(question_set.documents)) == (
        "pubmedqa",
        500,
        (),
        500,
    )
    assert Counter(q.answers[0] for q in question_set.questions) == {"yes": 276, "no": 169, "maybe": 55}
    assert_evidence_is_carried(question_set)


def test_all_of_medquad() -> None:
    question_set = shared("medquad", "medquad_answered.jsonl.gz")
    assert (question_set.format, len(question_set.questions) + len(question_set.dropped)) == ("medquad", 16_407)
    assert_evidence_is_carried(question_set)


def test_medquad_as_xml_pages() -> None:
    question_set = shared("realdocs", "xml_medquad")
    assert (question_set.format, len(question_set.questions), question_set.dropped, len(question_set.documents)) == (
        "medquad",
        66,
        (),
        10,
    )
    assert_evidence_is_carried(question_set)


def test_cuad_as_it_is_published(tmp_path: Path) -> None:
    """One article a contract, the category in the id, several spans of one clause as answers, most questions impossible."""
    context = "EXHIBIT 10\n\nSUPPLY AGREEMENT\n\nThis Agreement is between Firm A and Firm B.\n\nIt ends on May 1, 2021."
    title = "FIRMA_01_01_2020-EX-10-SUPPLY AGREEMENT"

    def item(category: str, *spans: str) -> dict[str, Any]:
        qa = f'Highlight the parts (if any) of this contract related to "{category}" that should be reviewed by a lawyer.'
        answers = [{"text": span, "answer_start": context.index(span)} for span in spans]
        return {"id": f"{title}__{category}", "question": qa, "answers": answers, "is_impossible": not spans}

    qas = [item("Document Name", "SUPPLY AGREEMENT"), item("Parties", "Firm A", "Firm B"), item("Cap On Liability")]
    value = {"version": "aok_v1.0", "data": [{"title": title, "paragraphs": [{"qas": qas, "context": context}]}]}
    question_set = read_questions(written(tmp_path, value))
    assert (question_set.format, question_set.dropped) == ("squad", ())
    assert [(q.id.rpartition("__")[2], q.answers, [e.text for e in q.evidence]) for q in question_set.questions] == [
        ("Document Name", ("SUPPLY AGREEMENT",), ["SUPPLY AGREEMENT"]),
        ("Parties", ("Firm A", "Firm B"), ["This Agreement is between Firm A and Firm B."]),
        ("Cap On Liability", (), []),
    ]
    assert [document.part for document in question_set.documents] == [title]
