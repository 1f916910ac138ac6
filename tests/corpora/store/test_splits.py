"""Splits: even in every stratum, kept when documents come and go, and one for clusters that turn out to be one."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from corpora.records import Document
from corpora.splits import SPLITS, split_at, splits_of, stratified_position
from corpora.store.changes import NewDocument
from corpora.store.corpus_store import CorpusStore


@given(st.integers(0, 60), st.integers(10, 400))
def test_every_stratum_has_its_shares_from_the_tenth_cluster_on(stratum: int, count: int) -> None:
    shares = Counter(split_at(stratified_position(stratum, number)) for number in range(count))
    for split, share in zip(SPLITS, (0.7, 0.1, 0.2), strict=True):
        assert abs(shares[split] - share * count) <= 5


@given(st.lists(st.integers(0, 5), min_size=8, max_size=40))
def test_a_handful_of_documents_has_every_kind_of_split_but_for_chance(strata: list[int]) -> None:
    names = {stratum: number for number, stratum in enumerate(dict.fromkeys(strata))}
    split_counts = Counter[int]()
    splits = Counter[str]()
    for stratum in strata:
        splits[split_at(stratified_position(names[stratum], split_counts[stratum]))] += 1
        split_counts[stratum] += 1
    assert splits["train"] and splits["test"]


def document(name: str, cluster: str = "", text: str = "") -> Document:
    return Document(name, "c", name, "text/plain", text or name, f"/{name}", cluster or name)


def add(store: CorpusStore, *documents: Document, stratum: str = "c/0", merged: tuple[str, ...] = ()) -> None:
    store.commit(added=[NewDocument(d, [], "0" * 64, "x", "", 0, stratum=stratum, merged=merged) for d in documents])


def positions(store: CorpusStore) -> dict[str, float]:
    return {document.id: document.position for document in store.documents()}


def test_a_place_is_kept_when_documents_come_and_go(tmp_path: Path) -> None:
    store = CorpusStore(tmp_path / "corpus.db")
    add(store, *(document(f"d{number}") for number in range(20)))
    before = positions(store)
    assert len(set(before.values())) == 20
    store.commit(removed_paths=[("/d3", "c"), ("/d4", "c")])
    add(store, *(document(f"e{number}") for number in range(20)), stratum="c/1")
    add(store, document("d4"), document("d3"), document("f"))
    after = positions(store)
    assert {name: after[name] for name in before} == before
    add(store, document("near", cluster="d7"))
    assert positions(store)["near"] == before["d7"]
    store.close()


def test_clusters_that_are_one_take_the_place_nearest_to_training(tmp_path: Path) -> None:
    store = CorpusStore(tmp_path / "corpus.db")
    add(store, *(document(f"d{number}") for number in range(12)))
    before = positions(store)
    tested, trained = min(before, key=lambda name: before[name]), max(before, key=lambda name: before[name])
    assert split_at(before[tested]) == "test" and split_at(before[trained]) == "train"
    add(store, document("bridge", cluster=tested), merged=(trained,))
    assert {positions(store)[name] for name in (tested, trained, "bridge")} == {before[trained]}
    store.close()


def test_documents_of_one_question_share_a_split() -> None:
    placed = {"a": ("a", 0.05), "b": ("b", 0.95), "c": ("c", 0.1)}
    assert splits_of(placed) == {"a": "test", "b": "train", "c": "test"}
    assert splits_of(placed, [["a", "b"]]) == {"a": "train", "b": "train", "c": "test"}
