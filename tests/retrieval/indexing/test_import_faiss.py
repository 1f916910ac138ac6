"""An index from elsewhere: every kind that gives its vectors back, and every way it can be wrong, hostile or not what it seems."""

import json
from pathlib import Path

import faiss
import numpy as np
import pytest
from click.testing import CliRunner

from corpora.errors import StoreError
from corpora.store.corpus_store import CorpusStore
from corpora.workspace.workspace import create_workspace
from retrieval.encoders.hashing import HashingEncoder
from retrieval.indexing.faiss_import import import_rows, read_texts
from retrieval.indexing.faiss_reading import read_faiss
from retrieval.search.retriever import Retriever
from serving.configuration import SECTIONS
from serving.main import raftsmith

ENCODER = HashingEncoder(64)
TEXTS = [
    f"Lease number {n} of the {word} estate ends in year {n + 1900}." for n in range(40) for word in ("old", "new", "upper")
]
LATER = np.arange(len(TEXTS), dtype=np.int64)[::-1].copy() * 7


def write_index(path: Path, kind: str, texts: list[str] = TEXTS, metric: int = faiss.METRIC_L2) -> Path:
    vectors = ENCODER.encode(texts) * 3  # not of unit length: an L2 index may hold any
    index = faiss.index_factory(64, kind, metric)
    index.train(vectors)
    if kind.startswith("IDMap"):
        index.add_with_ids(vectors, LATER[: len(texts)])
    else:
        index.add(vectors)
    faiss.write_index(index, str(path))
    return path


def write_texts(path: Path, texts: list[str] = TEXTS, **more: list[object]) -> Path:
    rows = [
        {"text": text, "id": f"r{n}", "metadata": {"page": n}, **{key: of[n] for key, of in more.items()}}
        for n, text in enumerate(texts)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.mark.parametrize(
    ("kind", "metric"),
    [
        ("Flat", faiss.METRIC_L2),
        ("Flat", faiss.METRIC_INNER_PRODUCT),
        ("IVF4,Flat", faiss.METRIC_L2),
        ("HNSW8", faiss.METRIC_L2),
        ("SQ8", faiss.METRIC_L2),
    ],
)
def test_what_was_found_is_found_again(tmp_path: Path, kind: str, metric: int) -> None:
    index = read_faiss(write_index(tmp_path / "i.faiss", kind, metric=metric))
    assert index.exact == (kind != "SQ8") and index.vectors.shape == (len(TEXTS), 64)
    store = CorpusStore(tmp_path / "corpus.db")
    report = import_rows(store, tmp_path, ENCODER, write_texts(tmp_path / "t.jsonl"), index, "old")
    assert report.documents == len(TEXTS) and report.left_out == {} and report.cosine > 0.99
    result = Retriever(store, tmp_path, ENCODER).search([TEXTS[17]], 3)[0]
    chunk = result.hits[0].chunk
    assert chunk.text == TEXTS[17] and chunk.source.endswith("t.jsonl#r17") and chunk.collection == "old"
    document = store.document(chunk.document_id)
    assert document is not None and document.metadata == {"page": "17"} and document.text[chunk.start : chunk.end] == chunk.text
    assert result.rankings["dense"][0][1] == pytest.approx(1.0, abs=0.01)
    store.close()


def test_ids_of_the_index_pair_texts_in_any_order(tmp_path: Path) -> None:
    index = read_faiss(write_index(tmp_path / "i.faiss", "IDMap2,Flat"))
    store = CorpusStore(tmp_path / "corpus.db")
    turned = list(reversed(range(len(TEXTS))))
    texts = write_texts(tmp_path / "t.jsonl", [TEXTS[n] for n in turned], vector=[int(LATER[n]) for n in turned])
    assert import_rows(store, tmp_path, ENCODER, texts, index, "old").cosine > 0.99
    unnamed = write_texts(tmp_path / "u.jsonl", [TEXTS[n] for n in turned])
    with pytest.raises(StoreError, match="another order"):
        import_rows(store, tmp_path, ENCODER, unnamed, index, "old")
    unknown = write_texts(tmp_path / "v.jsonl", vector=[3] * len(TEXTS))
    with pytest.raises(StoreError, match=r"a vector that the index does not hold, e\.g\. 3"):
        import_rows(store, tmp_path, ENCODER, unknown, index, "old")
    store.close()


def test_importing_again_changes_nothing_and_removing_takes_all_out(tmp_path: Path) -> None:
    index = read_faiss(write_index(tmp_path / "i.faiss", "Flat"))
    store = CorpusStore(tmp_path / "corpus.db")
    texts = write_texts(tmp_path / "t.jsonl")
    for _ in range(2):
        import_rows(store, tmp_path, ENCODER, texts, index, "old")
        assert store.counts()["documents"] == len(TEXTS) == store.counts()["chunks"]
    assert len(list((tmp_path / "segments").iterdir())) == 1
    store.commit(removed_paths=[(str(texts), "old")])
    assert store.counts()["documents"] == 0
    store.close()


def test_rows_that_say_the_same_or_nothing_are_counted(tmp_path: Path) -> None:
    texts = [*TEXTS[:30], TEXTS[0], " \n "]
    index = read_faiss(write_index(tmp_path / "i.faiss", "Flat", texts))
    store = CorpusStore(tmp_path / "corpus.db")
    report = import_rows(store, tmp_path, ENCODER, write_texts(tmp_path / "t.jsonl", texts), index, "old")
    assert report.documents == 30 and report.left_out == {"another row has the same text": 1, "no text in it": 1}
    store.close()


def test_another_encoder_is_refused(tmp_path: Path) -> None:
    index = read_faiss(write_index(tmp_path / "i.faiss", "Flat"))
    store = CorpusStore(tmp_path / "corpus.db")
    texts = write_texts(tmp_path / "t.jsonl")
    with pytest.raises(StoreError, match="64 numbers, hashing-32 makes 32"):
        import_rows(store, tmp_path, HashingEncoder(32), texts, index, "old")
    others = write_texts(tmp_path / "o.jsonl", [f"Warfarin dose {n} mg, given at night with food." for n in range(len(TEXTS))])
    with pytest.raises(StoreError, match="hashing-64 did not make these vectors"):
        import_rows(store, tmp_path, ENCODER, others, index, "old")
    with pytest.raises(StoreError, match="3 texts and 120 vectors"):
        import_rows(store, tmp_path, ENCODER, write_texts(tmp_path / "f.jsonl", TEXTS[:3]), index, "old")
    assert store.counts()["documents"] == 0 and store.snapshot == 0
    store.close()


def test_the_digest_is_checked_before_the_file_is_opened(tmp_path: Path) -> None:
    path = write_index(tmp_path / "i.faiss", "Flat")
    right = read_faiss(path).sha256
    assert read_faiss(path, right.upper()).sha256 == right
    with pytest.raises(StoreError, match="it was not opened"):
        read_faiss(path, "0" * 64)


def test_pickles_are_refused_with_a_way_out(tmp_path: Path) -> None:
    pickled = tmp_path / "index.pkl"
    pickled.write_bytes(b"\x80\x04\x95")
    for read in (read_faiss, read_texts):
        with pytest.raises(StoreError, match="a pickle, which can run code"):
            read(pickled)
    with pytest.raises(StoreError, match=r"store\.docstore\.search"):
        read_texts(pickled)
    with pytest.raises(StoreError, match="is a folder"):
        read_faiss(tmp_path)


@pytest.mark.parametrize("place", range(0, 200, 9))
def test_damage_is_an_error_or_harmless(tmp_path: Path, place: int) -> None:
    data = bytearray(write_index(tmp_path / "i.faiss", "Flat").read_bytes())
    data[place] ^= 0x80
    (tmp_path / "i.faiss").write_bytes(data)
    try:
        assert read_faiss(tmp_path / "i.faiss", timeout_s=60).vectors.shape[1] > 0
    except StoreError as error:
        assert "i.faiss" in str(error)


def test_what_is_no_index_and_what_gives_nothing_back(tmp_path: Path) -> None:
    (tmp_path / "i.faiss").write_bytes(b"IxF2" + b"\xff" * 400)
    with pytest.raises(StoreError, match="export it as IndexFlat"):
        read_faiss(tmp_path / "i.faiss")
    (tmp_path / "i.faiss").write_text("a letter")
    with pytest.raises(StoreError, match=r"i\.faiss"):
        read_faiss(tmp_path / "i.faiss")
    faiss.write_index(faiss.IndexFlatIP(8), str(tmp_path / "i.faiss"))
    with pytest.raises(StoreError, match="the index is empty"):
        read_faiss(tmp_path / "i.faiss")


@pytest.mark.parametrize(
    ("line", "message"),
    [('{"id": 1}', "fields id and no text"), ("[1]", "not a JSON object"), ("", "empty")],
)
def test_rows_without_texts(tmp_path: Path, line: str, message: str) -> None:
    (tmp_path / "t.jsonl").write_text('{"text": "x"}\n' * bool(line) + line)
    with pytest.raises(StoreError, match=message):
        read_texts(tmp_path / "t.jsonl")


def test_the_command_imports_and_search_finds(tmp_path: Path) -> None:
    root = tmp_path / "ws"
    config = create_workspace(root, SECTIONS)
    config.write_text(config.read_text().replace('"all-MiniLM-L6-v2"', '"hashing-64"'))
    index, texts = write_index(tmp_path / "i.faiss", "Flat"), write_texts(tmp_path / "t.jsonl")
    words = ["import-faiss", str(index), "--texts", str(texts), "--workspace", str(root), "--collection", "old"]
    done = CliRunner().invoke(raftsmith, [*words, "--json"])
    assert done.exit_code == 0, (done.output, done.exception)
    value = json.loads(done.stdout)
    assert value["documents"] == len(TEXTS) and value["kind"] == "IndexFlatL2" and value["exact"] and len(value["sha256"]) == 64
    found = CliRunner().invoke(raftsmith, ["search", TEXTS[5], "-k", "1", "--workspace", str(root), "--json"])
    assert json.loads(found.stdout)["hits"][0]["text"] == TEXTS[5]
    again = CliRunner().invoke(raftsmith, [*words, "--sha256", value["sha256"]])
    assert again.exit_code == 0 and "120 documents imported" in again.stdout
    other = CliRunner().invoke(raftsmith, [*words, "--encoder", "all-MiniLM-L6-v2"])
    assert "the workspace searches with hashing-64" in str(other.exception)
