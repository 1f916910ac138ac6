"""What `inspect` says of a small made collection: planted duplicates, a leak, another language, outliers, an e-mail address."""

from __future__ import annotations

import json
import random
import sqlite3
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from corpora.errors import RaftsmithError
from corpora.records import Document
from corpora.splits import SPLITS, split_at
from corpora.store.corpus_store import CorpusStore
from corpora.text.languages import language_of
from corpora.text.near_duplicates import find_duplicates
from retrieval.inspection.analysis import InspectOptions, _edges, inspect_material
from retrieval.inspection.html_page import to_html
from retrieval.inspection.material import Material, Prompts, TokenEstimate, estimate_tokens, read_material, read_prompts
from retrieval.inspection.split_leakage import leaks_of
from retrieval.inspection.suitability import judge_diversity, judge_focus
from retrieval.inspection.topics import find_topics, least_similarity, mean_cosine, name_topics
from serving.main import raftsmith

MEDICAL = (
    "patient dose tablet fever lung kidney blood serum biopsy nurse ward fracture insulin asthma rash vaccine sepsis cardiac "
    "renal hepatic infusion catheter suture triage"
).split()
LEGAL = (
    "tenant landlord lease rent notice deposit eviction clause breach tribunal covenant premises arrears repair guarantor "
    "sublet term renewal forfeiture possession court statute remedy damages"
).split()
KITCHEN = "flour sugar butter oven dough yeast whisk saucepan garlic onion pepper basil simmer roast marinade crust".split()
GERMAN = (
    "Der Patient ist mit dem Arzt in die Klinik gekommen und hat nach einer Untersuchung auf das Ergebnis gewartet. "
    "Das Ergebnis war nicht so, wie es die Ärzte für die meisten Fälle erwarten, aber es ist auch nicht selten."
)
HOSTILE = "Note <script>alert('x')</script>"
EACH = 14


def prose(seed: str, pool: list[str], sentences: int = 8) -> str:
    draw = random.Random(seed)
    return " ".join(
        f"The {' '.join(draw.choices(pool, k=8))} of {' '.join(draw.choices(pool, k=2))}." for _ in range(sentences)
    )


def move_to_another_split(database: Path, title: str, twin: str) -> None:
    """Plant a leak: the document called `twin` gets a place in another split than `title` is in."""
    store = CorpusStore(database)
    (home,), (other,) = store.find_documents(title), store.find_documents(twin)
    store.close()
    db = sqlite3.connect(database)
    place = 0.1 if split_at(home.position) != "test" else 0.9
    db.execute("UPDATE splits SET position = ? WHERE cluster = ?", (place, other.cluster))
    db.commit()
    db.close()
    database.with_name("corpus.db.sha256").unlink()


def run(*words: str, code: int = 0) -> Result:
    result = CliRunner().invoke(raftsmith, list(words))
    assert result.exit_code == code or (code == 1 and result.exception), (result.output, result.exception)
    return result


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("workspace")
    medical, legal = root / "in" / "medical", root / "in" / "legal"
    medical.mkdir(parents=True)
    legal.mkdir()
    for number in range(EACH):
        (medical / f"m{number:02}.txt").write_text(prose(f"m{number}", MEDICAL))
        (legal / f"l{number:02}.txt").write_text(prose(f"l{number}", LEGAL))
    (medical / "zcopy.txt").write_text(prose("m0", MEDICAL).upper().lower())
    (legal / "twin.txt").write_text(f"{prose('m1', MEDICAL)} Another version.")
    (legal / "mail.txt").write_text(f"{HOSTILE}\n====\n\n{prose('mail', LEGAL)} Write to jane.roe@clinic.example.org.")
    (medical / "german.txt").write_text(GERMAN)
    (medical / "recipe.txt").write_text(prose("recipe", KITCHEN))
    (medical / "numbers.txt").write_text(" ".join(str(7 * number) for number in range(100, 140)))
    (medical / "short.txt").write_text("Seen today.")
    (medical / "broken.pdf").write_bytes(b"%PDF-1.7 broken")
    folder = root / "w"
    run("init", str(folder))
    config = (folder / "raftsmith.toml").read_text().replace("max_words = 20 ", "max_words = 200 ")
    config = config.replace("all-MiniLM-L6-v2", "hashing-256").replace("SmolLM2-135M-Instruct", "none")
    (folder / "raftsmith.toml").write_text(config)
    for collection in (medical, legal):
        run("add", str(collection), "--collection", collection.name, "--workspace", str(folder), code=0)
    move_to_another_split(folder / "corpus.db", str(medical / "m01.txt"), str(legal / "twin.txt"))
    return folder


@pytest.fixture(scope="module")
def found(workspace: Path) -> dict[str, Any]:
    result = run("inspect", "--workspace", str(workspace), "--json")
    value: dict[str, Any] = json.loads(result.stdout)
    return value


def names(listed: list[dict[str, Any]]) -> list[str]:
    return sorted(Path(item["source"]).stem for item in listed)


def test_what_is_there_is_counted(found: dict[str, Any]) -> None:
    documents = 2 * EACH + 7
    assert found["documents"] == documents == len(found["rows"]) == sum(bar[2] for bar in found["lengths"]["histogram"])
    assert found["collections"] == {"legal": EACH + 2, "medical": EACH + 5}
    assert found["formats"] == {"text/plain": documents}
    assert found["languages"] == {"en": documents - 3, "unknown": 2, "de": 1}
    assert found["licences"] == {"not stated": documents}
    assert found["tokens"] == found["words"] and found["token_unit"].startswith("words")
    assert (found["lengths"]["shortest"], found["lengths"]["median"]) == (2, 96)
    assert names(found["lengths"]["shortest_documents"])[:1] and found["lengths"]["shortest_documents"][0]["why"] == "2 words"
    assert [names([{"source": path} for path in failure["paths"]]) for failure in found["failures"]] == [["broken"]]


def test_duplicates_and_the_leak_between_collections(found: dict[str, Any], workspace: Path) -> None:
    assert sorted(names(group["documents"]) for group in found["groups"]) == [["m00", "zcopy"], ["m01", "twin"]]
    assert [(names([item]), item["why"]) for item in found["copies"]] == [(["zcopy"], "100% like m00")]
    assert [names(group["documents"]) for group in found["leaks"]] == [["m01", "twin"]]
    assert len(found["leaks"][0]["splits"]) == 2
    alone = json.loads(
        run("inspect", "--collection", "medical", "--report", "m", "--workspace", str(workspace), "--json").stdout
    )
    assert alone["leaks"] == [] and alone["documents"] == EACH + 5


def test_topics_are_the_two_subjects_by_their_own_words(found: dict[str, Any]) -> None:
    assert len(found["topics"]) == 2
    sources = [{Path(row["source"]).stem for row in found["rows"] if row["topic"] == topic} for topic in (0, 1)]
    subject = 0 if "m00" in sources[0] else 1
    assert sources[subject] >= {*(f"m{n:02}" for n in range(EACH)), "zcopy", "twin"}
    assert sources[1 - subject] >= {*(f"l{n:02}" for n in range(EACH)), "mail"}
    assert set(found["topics"][subject]["words"]) <= set(MEDICAL)
    assert set(found["topics"][1 - subject]["words"]) <= set(LEGAL)
    assert sum(topic["documents"] for topic in found["topics"]) == found["documents"]
    assert all(sum(topic["splits"].values()) == topic["documents"] for topic in found["topics"])


def test_outliers_have_their_reason(found: dict[str, Any]) -> None:
    kinds = {kind: names(listed) for kind, listed in found["outliers"].items()}
    assert kinds == {
        "far from every topic": ["german", "numbers", "recipe", "short"],
        "very short": ["short"],
        "mostly not text": ["numbers"],
        "another language": ["german"],
    }
    assert found["outliers"]["another language"][0]["why"] == "de, the collection is in en"
    assert found["focused"]["enough"] and "12% of them are far from every topic" in found["focused"]["sentence"]
    assert found["diverse"]["enough"]


def test_personal_data_is_counted_and_never_shown(found: dict[str, Any], workspace: Path) -> None:
    personal = found["personal_data"]
    assert (personal["searched"], personal["concerned"], personal["counts"]) == (found["documents"], 1, {"email": 1})
    for name in ("inspect.json", "inspect.html"):
        path = workspace / "reports" / "inspect" / name
        assert "jane.roe" not in path.read_text() and path.stat().st_mode & 0o777 == 0o600


def test_splits_are_those_of_the_clusters(found: dict[str, Any], workspace: Path) -> None:
    store = CorpusStore(workspace / "corpus.db")
    expected = {document.id: split_at(document.position) for document in store.documents()}
    store.close()
    assert {row["document_id"]: row["split"] for row in found["rows"]} == expected
    assert found["splits"] == {split: list(expected.values()).count(split) for split in SPLITS}
    assert sum(sum(counts.values()) for counts in found["collection_splits"].values()) == found["documents"]


class Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href", "action", "srcset")]
        assert not [name for name, _ in attrs if name.startswith("on")]


def test_the_page_stands_alone_and_a_hostile_title_stays_text(found: dict[str, Any], workspace: Path) -> None:
    text = (workspace / "reports" / "inspect" / "inspect.html").read_text()
    page = Page()
    page.feed(text)
    assert "<script" not in text and "Note &lt;script&gt;" in text
    assert not {"script", "link", "iframe", "form", "object"} & set(page.tags)
    assert page.addresses and all(address.startswith("data:image/png;base64,") for address in page.addresses)
    assert json.loads((workspace / "reports" / "inspect" / "inspect.json").read_text()) == found


def test_the_summary_is_plain_lines(found: dict[str, Any], workspace: Path) -> None:
    result = run("inspect", "--report", "again", "--workspace", str(workspace))
    lines = result.stdout.splitlines()
    assert lines[0].startswith(f"{found['documents']} documents in ")
    assert any(line.startswith("! 1 groups of near-duplicates stand in more than one split") for line in lines)
    assert lines[-1].endswith("inspect.json") and "snapshot" in lines[0]


def test_a_second_inspection_is_the_same(workspace: Path) -> None:
    store = CorpusStore(workspace / "corpus.db")
    material = read_material(store, workspace / "segments")
    store.close()
    estimate = TokenEstimate(None, "words")
    first, second = (inspect_material(material, InspectOptions(), estimate) for _ in range(2))
    assert first == second
    assert np.allclose(np.linalg.norm(material.vectors, axis=1), 1, atol=1e-5)
    assert len(material.vector_ids) == len(material.documents) - 1  # the copy has no chunks


def test_an_empty_collection_says_what_to_do(workspace: Path) -> None:
    store = CorpusStore(workspace / "corpus.db")
    with pytest.raises(RaftsmithError, match="raftsmith add"):
        read_material(store, workspace / "segments", "nothing")
    store.close()


def test_datasets_are_read_without_their_package(tmp_path: Path) -> None:
    for name in ("bad", "good"):
        (tmp_path / name).mkdir()
    (tmp_path / "bad" / "examples.jsonl").write_text("{}\n")
    rows = [{"split": "train", "passages": [{"document_id": "a"}]}, {"split": "test", "passages": [{"document_id": "b"}]}]
    (tmp_path / "good" / "examples.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    bad, good = read_prompts(tmp_path)
    assert "KeyError" in bad.problem and bad.documents == ()
    assert good == Prompts("good", (("train", ("a",)), ("test", ("b",))))
    assert leaks_of(good.documents, {}) == ([], [])
    assert leaks_of(good.documents, {"a": "x", "b": "x"}) == ([], ["a", "b"])
    assert leaks_of([*good.documents, ("test", ("a",))], {}) == (["a"], [])


def test_one_document_is_inspected_and_too_few_to_judge() -> None:
    one = Document("i", "c", "<b>t</b>", "text/plain", "A short text.", "s", "i", {"licence": "<i>CC0</i>"})
    material = Material((one,), ("i",), np.ones((1, 1), dtype=np.float32), "e", {}, (("p", "c", "<u>why</u>"),), 3)
    found = inspect_material(material, InspectOptions(), estimate_tokens([one], []))
    assert len(found.topics) == 1 and not found.diverse.enough and "Too few" in found.diverse.sentence
    page = to_html(found, "<h>")
    assert not [tag for tag in ("<b>t", "<i>CC0", "<u>why", "<h>") if tag in page]
    empty = inspect_material(
        Material((one,), (), np.zeros((0, 0), dtype=np.float32), "", {}, (), 3), InspectOptions(), TokenEstimate(2.0, "tokens")
    )
    assert empty.topics == () and empty.tokens == 2 * len(one.text) and "No document is indexed" in to_html(empty, "x")


def test_a_purge_takes_the_inspection_with_it(tmp_path: Path) -> None:
    folder, path = tmp_path / "w", tmp_path / "secret zaphod.txt"
    path.write_text("A text of its own.")
    run("init", str(folder))
    (folder / "raftsmith.toml").write_text((folder / "raftsmith.toml").read_text().replace("all-MiniLM-L6-v2", "hashing-64"))
    run("add", str(path), "--workspace", str(folder))
    run("inspect", "--workspace", str(folder))
    report = json.loads(run("purge", str(path), "--yes", "--json", "--workspace", str(folder)).stdout)
    assert report["reports"] == ["inspect"] and not list((folder / "reports" / "inspect").iterdir())


@pytest.mark.parametrize(
    ("text", "language"),
    [
        (GERMAN, "de"),
        ("The notice shall be given in writing to the tenant and it is valid for the term of the lease.", "en"),
        ("Le preneur est tenu de payer le loyer dans les délais qui sont prévus par le contrat et par la loi.", "fr"),
        ("El arrendatario está obligado a pagar la renta en los plazos que se han previsto por el contrato y la ley.", "es"),
        ("Il conduttore è tenuto a pagare il canone nei termini che sono previsti dal contratto e dalla legge.", "it"),
        (
            "De huurder is verplicht om de huur te betalen binnen de termijn die in het contract en door de wet is bepaald.",
            "nl",
        ),
        ("O arrendatário é obrigado a pagar a renda no prazo que foi previsto pelo contrato e não pode ser mais tarde.", "pt"),
        ("Арендатор обязан платить арендную плату в срок.", "cyrillic"),
        ("Aspirin 300 mg.", "unknown"),
        ("12 34 56", "unknown"),
        ("", "unknown"),
    ],
)
def test_languages_are_told_by_small_words(text: str, language: str) -> None:
    assert language_of(text) == language


def test_topics_of_clear_groups_and_of_none() -> None:
    draw = np.random.default_rng(1)
    centres = np.eye(3, 16)
    rows = np.concatenate([centres[topic] + draw.normal(0, 0.05, (20 + topic, 16)) for topic in range(3)])
    vectors = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    topics = find_topics(vectors)
    assert [topics.topic_of.count(topic) for topic in range(3)] == [22, 21, 20] and topics.separation > 0.8
    assert find_topics(vectors).topic_of == topics.topic_of
    assert min(topics.similarity) > least_similarity(topics.similarity)
    noise = draw.normal(0, 1, (60, 200))
    same = find_topics((noise / np.linalg.norm(noise, axis=1, keepdims=True)).astype(np.float32))
    assert same.separation is None and set(same.topic_of) == {0}


def test_the_mean_cosine_is_that_of_all_pairs() -> None:
    draw = np.random.default_rng(2).normal(0, 1, (9, 5))
    vectors = (draw / np.linalg.norm(draw, axis=1, keepdims=True)).astype(np.float32)
    pairs = [float(vectors[i] @ vectors[j]) for i in range(9) for j in range(9) if i != j]
    assert mean_cosine(vectors) == pytest.approx(sum(pairs) / len(pairs), abs=1e-4)
    assert mean_cosine(vectors[:1]) is None


@pytest.mark.parametrize(
    ("shortest", "longest", "edges"),
    [
        (578, 880, [550, 600, 650, 700, 750, 800, 850, 900]),
        (7, 7, [7, 8]),
        (0, 0, [0, 1]),
        (0, 900, [0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000]),
        (30, 9999, [20, 50, 100, 200, 500, 1000, 2000, 5000, 10000]),
        (1, 100, [0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 110]),
    ],
)
def test_a_histogram_has_round_edges(shortest: int, longest: int, edges: list[int]) -> None:
    assert _edges(shortest, longest) == edges


def test_what_is_too_uniform_or_too_scattered_is_told_with_what_to_do() -> None:
    assert judge_diversity(100, 95, 0.3).enough and judge_focus(100, 0.3, 2).enough
    assert "40% of the documents repeat another" in judge_diversity(100, 60, 0.3).sentence
    assert "one form of words" in judge_diversity(100, 100, 0.9).sentence
    assert "workspace of its own" in judge_focus(100, 0.05, 20).sentence and not judge_focus(100, 0.05, 20).enough
    assert not judge_diversity(7, 7, 0.3).enough and not judge_focus(7, 0.3, 0).enough


def test_topics_are_named_by_what_sets_them_apart() -> None:
    texts = ["The lease and the rent, rent, common.", "The lease, the rent.", "The dose and the fever, common.", "A dose."]
    assert name_topics(texts, [0, 0, 1, 1], 2, words=2) == [("rent", "lease"), ("dose", "fever")]
    assert name_topics(["12", "of the"], [0, 1], 2) == [(), ()]


def test_the_made_texts_are_no_near_duplicates_of_each_other() -> None:
    texts = {f"{kind}{n}": prose(f"{kind}{n}", pool) for kind, pool in (("m", MEDICAL), ("l", LEGAL)) for n in range(EACH)}
    assert find_duplicates(texts) == []
