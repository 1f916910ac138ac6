"""The vector index: exact where it says so, honest about recall where not, and every value of it stays what it was."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieval.vector_index.built_index import BuiltIndex, build_main
from retrieval.vector_index.index_plan import IndexPlan
from retrieval.vector_index.inner_products import Matrix, Rows, exact_scores
from retrieval.vector_index.recall import least_effort, recall
from retrieval.vector_index.search_effort import SearchEffort
from retrieval.vector_index.vector_index import VectorIndex

MEMORY = 1 << 30
KINDS = ("ivf-sq8", "ivf-pq")


def clustered(count: int, dimension: int = 32, seed: int = 0) -> Matrix:
    """Unit vectors around `count // 20` centres, as texts on so many topics would be."""
    draw = np.random.default_rng(seed)
    centres = draw.standard_normal((max(1, count // 20), dimension))
    vectors = centres[draw.integers(len(centres), size=count)] + 0.6 * draw.standard_normal((count, dimension))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def brute_force(
    held: dict[int, Matrix], query: Matrix, k: int, allowed: set[int] | None = None
) -> tuple[list[int], list[float]]:
    """The `k` best keys by inner product in double precision, ties by key."""
    scored = [
        (-float(query.astype(float) @ vector.astype(float)), key)
        for key, vector in held.items()
        if allowed is None or key in allowed
    ]
    best = sorted(scored)[:k]
    return [key for _, key in best], [-score for score, _ in best]


def plan(kind: Any, count: int, dimension: int = 32, target: float = 0.98) -> IndexPlan:
    """A plan of that kind, however few the vectors."""
    shape = {
        "exact": {},
        "ivf-sq8": {"lists": 32, "code_bytes": dimension},
        "ivf-pq": {"lists": 32, "code_bytes": dimension // 4},
    }
    return IndexPlan(kind, count, dimension, target, 0, 0, "asked for", **shape[kind])


def built(
    kind: str, vectors: Matrix, keys: Rows | None = None, target: float = 0.98, queries: Matrix | None = None
) -> BuiltIndex:
    return build_main(plan(kind, *vectors.shape, target), vectors, np.arange(len(vectors)) if keys is None else keys, queries)


# Components are small integers, so every inner product is exact in float32 and equal scores are many: the order of ties is decided.
small_vectors = st.lists(st.integers(-2, 2), min_size=4, max_size=4).map(lambda row: np.array(row, dtype=np.float32))
steps = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.dictionaries(st.integers(0, 60), small_vectors, max_size=12)),
        st.tuples(st.just("remove"), st.sets(st.integers(0, 60), max_size=12)),
        st.tuples(st.just("update"), st.dictionaries(st.integers(0, 60), small_vectors, max_size=6)),
        st.tuples(st.just("compact"), st.none()),
        st.tuples(st.just("search"), st.tuples(small_vectors, st.integers(1, 30), st.none() | st.sets(st.integers(0, 70)))),
    ),
    max_size=14,
)


@settings(max_examples=150, deadline=None)
@given(start=st.dictionaries(st.integers(0, 60), small_vectors, max_size=30), steps=steps)
def test_an_exact_index_is_brute_force_whatever_was_done_to_it(start: dict[int, Matrix], steps: list[Any]) -> None:
    keys = np.array(sorted(start), dtype=np.int64)
    vectors = np.array([start[key] for key in sorted(start)], dtype=np.float32).reshape(-1, 4)
    index, held = VectorIndex.build(vectors, keys, MEMORY), dict(start)
    for what, value in steps:
        if what == "add":
            new = {key: vector for key, vector in value.items() if key not in held}
            index = index.added(
                np.array(list(new), dtype=np.int64), np.array(list(new.values()), dtype=np.float32).reshape(-1, 4)
            )
            held |= new
        elif what == "update":
            changed = np.array(list(value.values()), dtype=np.float32).reshape(-1, 4)
            index = index.updated(np.array(list(value), dtype=np.int64), changed)
            held |= value
        elif what == "remove":
            index = index.removed(np.array(list(value), dtype=np.int64))
            held = {key: vector for key, vector in held.items() if key not in value}
        elif what == "compact":
            index = index.rebase(index.compacted_main(MEMORY))
            assert not len(index.delta) and not index.gone
        else:
            query, k, allowed = value
            _same_as_brute_force(index, held, query, k, allowed)
    assert len(index) == len(held)
    every = np.arange(80)
    assert set(every[index.holds(every)]) == set(held)
    _same_as_brute_force(index, held, np.array([1, -1, 2, 0], dtype=np.float32), 7, None)


def _same_as_brute_force(index: VectorIndex, held: dict[int, Matrix], query: Matrix, k: int, allowed: set[int] | None) -> None:
    expected, scores = brute_force(held, query, k, allowed)
    mask = None if allowed is None else np.isin(np.arange(75), list(allowed))
    listed = None if allowed is None else np.array(list(allowed), dtype=np.int64)
    for form in (mask, listed) if allowed is not None else (None,):
        keys, found = index.search(query[np.newaxis], k, form)
        assert keys[0, : len(expected)].tolist() == expected
        assert found[0, : len(expected)].tolist() == scores
        assert (keys[0, len(expected) :] == -1).all() and (found[0, len(expected) :] == -np.inf).all()


@pytest.mark.parametrize("copies", [1, 40])
def test_the_scan_with_codes_finds_what_brute_force_finds(copies: int) -> None:
    vectors = np.repeat(clustered(12_000 // copies, 48), copies, axis=0)  # copies tie: all of a tie have to be seen
    keys = np.arange(len(vectors)) * 3
    index = VectorIndex.build(vectors, keys, MEMORY)
    assert index.main.plan.kind == "exact" and index.main.scan is not None
    queries = clustered(40, 48, seed=1)
    every = exact_scores(vectors, queries, np.broadcast_to(np.arange(len(vectors)), (40, len(vectors))))
    draw = np.random.default_rng(2)
    gone = draw.choice(keys, 500, replace=False)
    for share, changed in ((None, index), (0.5, index), (0.01, index), (None, index.removed(gone)), (0.7, index.removed(gone))):
        rows = np.arange(len(vectors)) if share is None else np.flatnonzero(draw.random(len(vectors)) < share)
        lives = rows[changed.holds(keys[rows])]
        allowed = None if share is None else keys[rows]
        batch = changed.search(queries, 10, allowed)
        for number in range(len(queries)):
            order = lives[np.lexsort((lives, -every[number, lives]))][:10]
            one = changed.search(queries[number : number + 1], 10, allowed)
            for found, scores in ((batch[0][number], batch[1][number]), (one[0][0], one[1][0])):
                assert found.tolist() == keys[order].tolist()
                assert scores.tolist() == every[number, order].tolist()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("target", [0.9, 0.99])
def test_recall_is_what_was_measured(kind: str, target: float) -> None:
    vectors, queries = clustered(6_000), clustered(600, seed=5)
    main = built(kind, vectors, target=target, queries=queries[:400])
    truth = np.argsort(-queries @ vectors.T, axis=1)[:, :10]
    found, _ = VectorIndex.of(main).search(queries[400:], 10)
    independent = np.mean([len(set(row) & set(true)) / 10 for row, true in zip(found, truth[400:], strict=True)])
    assert main.measured.asked == "given" and main.measured.queries == 200
    assert main.measured.recall >= target - 0.02
    assert abs(independent - main.measured.recall) < 0.03
    least, _ = VectorIndex.of(main).search(queries[400:], 10, effort=SearchEffort(1, 10))
    assert recall(least, truth[400:]) < independent  # there was something to steer


@pytest.mark.parametrize("kind", KINDS)
def test_scores_of_approximate_kinds_are_exact_and_ties_go_by_key(kind: str) -> None:
    vectors = np.repeat(clustered(1_500), 2, axis=0)
    index = VectorIndex.of(built(kind, vectors))
    keys, scores = index.search(vectors[:50:2], 6)
    for number, query in enumerate(vectors[:50:2]):
        assert np.allclose(scores[number], vectors[keys[number]] @ query, atol=1e-6)
        assert keys[number, :2].tolist() == [2 * number, 2 * number + 1]
        pairs = list(zip(-scores[number], keys[number], strict=True))
        assert pairs == sorted(pairs)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("share", [0.5, 0.1, 0.01])
@pytest.mark.parametrize("near", [False, True])
def test_a_filter_keeps_the_recall_and_nothing_else_comes_through(kind: str, share: float, near: bool) -> None:
    vectors, queries = clustered(8_000), clustered(100, seed=3)
    main = built(kind, vectors, queries=clustered(300, seed=4))
    # Where `near`, what is allowed lies together, far from most queries.
    order = np.argsort(vectors @ vectors[0]) if near else np.random.default_rng(1).permutation(len(vectors))
    allowed = np.sort(order[-int(share * len(vectors)) :])
    main = replace(main, measured=replace(main.measured, row_ns=1e9))  # never score all that is allowed because that is cheaper
    found, _ = VectorIndex.of(main).search(queries, 10, allowed)
    truth = allowed[np.argsort(-queries @ vectors[allowed].T, axis=1)[:, :10]]
    assert np.isin(found, allowed).all()
    assert recall(found, truth) > 0.93


@pytest.mark.parametrize("kind", ("exact", *KINDS))
def test_changes_are_seen_at_once_and_compaction_changes_no_answer(kind: str) -> None:
    vectors, queries = clustered(5_000), clustered(60, seed=9)
    start = VectorIndex.of(built(kind, vectors[:4_000], target=0.99, queries=clustered(400, seed=4)))
    index = start.added(np.arange(4_000, 5_000), vectors[4_000:]).removed(np.arange(0, 600, 3))
    assert len(index) == 4_800
    alive = np.setdiff1d(np.arange(5_000), np.arange(0, 600, 3))
    truth = alive[np.argsort(-queries @ vectors[alive].T, axis=1)[:, :10]]
    before, _ = index.search(queries, 10)
    assert not np.isin(before, np.arange(0, 600, 3)).any()
    assert recall(before, truth) > 0.97
    after = index.rebase(index.compacted_main(MEMORY))
    assert len(after) == 4_800 and not len(after.delta)
    assert recall(after.search(queries, 10)[0], truth) > 0.97
    with pytest.raises(ValueError, match="are not in that built index"):
        index.rebase(built("exact", vectors[:100]))


def test_what_changed_during_a_compaction_is_kept() -> None:
    vectors = clustered(3_000)
    index = VectorIndex.build(vectors[:2_000], np.arange(2_000), MEMORY).added(np.arange(2_000, 2_500), vectors[2_000:2_500])
    main = index.compacted_main(MEMORY)
    later = index.added(np.arange(2_500, 3_000), vectors[2_500:]).removed(np.arange(1_900, 2_100))
    later = later.updated(np.array([5, 2_200]), vectors[[700, 701]])
    moved = later.rebase(main)
    queries = clustered(30, seed=2)
    assert len(moved) == len(later) == 2_800
    for one, other in zip(moved.search(queries, 20), later.search(queries, 20), strict=True):
        assert np.array_equal(one, other)
    added, gone = moved.difference(np.arange(100, 3_100))
    assert added.tolist() == [*range(1_900, 2_100), *range(3_000, 3_100)] and gone.tolist() == list(range(100))


@pytest.mark.parametrize("kind", ("exact", *KINDS))
def test_a_value_is_a_snapshot(kind: str) -> None:
    vectors, queries = clustered(5_000), clustered(20, seed=8)
    held = VectorIndex.of(built(kind, vectors[:4_500])).added(np.arange(4_500, 4_600), vectors[4_500:4_600])
    before = held.search(queries, 10)
    permission = held.permitting(np.arange(0, 5_000, 2))
    filtered = held.search(queries, 10, permission)
    later = held
    for step in range(20):
        later = later.added(np.arange(4_600 + step * 10, 4_610 + step * 10), vectors[4_600 + step * 10 : 4_610 + step * 10])
        later = later.removed(np.arange(step * 50, step * 50 + 25))
    later.rebase(later.compacted_main(MEMORY))
    for one, other in zip(
        (*before, *filtered), (*held.search(queries, 10), *held.search(queries, 10, permission)), strict=True
    ):
        assert np.array_equal(one, other)
    # A permission worked out for another value is worked out again.
    found, _ = later.search(queries, 10, permission)
    assert (found % 2 == 0).all() and later.holds(found.ravel()).all()


@pytest.mark.parametrize("kind", ("exact", *KINDS))
def test_eight_threads_search_while_another_changes_and_compacts(kind: str) -> None:
    vectors, queries = clustered(5_000), clustered(40, seed=6)
    index = VectorIndex.of(built(kind, vectors[:4_500]))
    allowed = np.arange(0, 4_500, 3)
    expected = [(index.search(query[np.newaxis], 10), index.search(query[np.newaxis], 10, allowed)) for query in queries]
    stop = threading.Event()

    def change() -> None:
        later = index
        while not stop.is_set():
            later = later.added(np.arange(4_500, 5_000), vectors[4_500:]).removed(np.arange(0, 500))
            later = later.rebase(later.compacted_main(MEMORY)).removed(np.arange(4_500, 5_000))
            later = later.added(np.arange(0, 500), vectors[:500])

    def ask(number: int) -> bool:
        same = True
        for turn in range(25):
            query = queries[(number + turn) % len(queries)][np.newaxis]
            plain, filtered = expected[(number + turn) % len(queries)]
            same &= all(np.array_equal(*pair) for pair in zip(index.search(query, 10), plain, strict=True))
            same &= all(np.array_equal(*pair) for pair in zip(index.search(query, 10, allowed), filtered, strict=True))
        return same

    changing = threading.Thread(target=change)
    changing.start()
    try:
        with ThreadPoolExecutor(8) as pool:
            assert all(pool.map(ask, range(16)))
    finally:
        stop.set()
        changing.join()


def test_adding_costs_what_is_added() -> None:
    vectors = clustered(4_096)
    index = VectorIndex.build(vectors[:64], np.arange(64), MEMORY)
    copied = 0
    for start in range(64, 4_096, 16):
        before = {id(block) for block in index.delta.blocks}
        index = index.added(np.arange(start, start + 16), vectors[start : start + 16])
        copied += sum(len(block.keys) for block in index.delta.blocks if id(block) not in before)
    assert len(index.delta.blocks) <= 9
    assert copied <= 9 * (4_096 - 64)  # each vector at most log2(256) times; copying the whole tail each time would be 500,000


def test_when_to_compact() -> None:
    vectors = clustered(12_000)
    index = VectorIndex.build(vectors[:5_000], np.arange(5_000), MEMORY)
    assert not index.needs_compaction()
    assert not index.added(np.arange(5_000, 6_000), vectors[5_000:6_000]).needs_compaction()
    assert index.added(np.arange(5_000, 6_001), vectors[5_000:6_001]).needs_compaction()
    assert not index.removed(np.arange(1_000)).needs_compaction()
    assert index.removed(np.arange(1_001)).needs_compaction()


def test_wrong_input_is_refused() -> None:
    vectors = clustered(100)
    index = VectorIndex.build(vectors, np.arange(100), MEMORY)
    with pytest.raises(ValueError, match="already, key 7 among them"):
        index.added(np.array([7]), vectors[:1])
    with pytest.raises(ValueError, match="distinct"):
        index.added(np.array([200, 200]), vectors[:2])
    with pytest.raises(ValueError, match="not negative"):
        index.added(np.array([-1]), vectors[:1])
    with pytest.raises(ValueError, match="finite"):
        index.added(np.array([200]), np.full((1, 32), np.nan, dtype=np.float32))
    with pytest.raises(ValueError, match="shape"):
        index.search(vectors[:, :8], 3)
    with pytest.raises(ValueError, match="shape"):
        index.search(vectors[:1], 0)
    with pytest.raises(ValueError, match="finite"):
        index.search(np.full((1, 32), np.inf, dtype=np.float32), 3)
    with pytest.raises(ValueError, match="bool array over keys"):
        index.search(vectors[:1], 3, np.array([0.5]))
    with pytest.raises(ValueError, match="ascending"):
        VectorIndex.build(vectors, np.zeros(100, dtype=np.int64), MEMORY)
    with pytest.raises(ValueError, match="not finite"):
        VectorIndex.build(np.full((1, 32), np.nan, dtype=np.float32), np.array([0]), MEMORY)


def test_the_least_effort_is_found() -> None:
    for needed in (1, 2, 7, 100, 1_000):
        effort = least_effort(lambda value, needed=needed: min(1.0, value / needed), 1.0, 1, 1_000)
        assert needed <= effort <= needed + needed // 16 + 1
    assert least_effort(lambda value: 0.5, 0.9, 1, 64) == 64
