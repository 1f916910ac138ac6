"""The choice of an index: by size, memory and target, with a reason that says so."""

from __future__ import annotations

import pytest

from retrieval.vector_index.index_plan import EXACT_NUMBERS, choose, subquantizers

GB = 10**9


@pytest.mark.parametrize(
    ("count", "memory", "target", "kind", "reason"),
    [
        (0, GB, 0.98, "exact", "0 vectors of 384 dimensions"),
        (20_000, GB, 0.98, "exact", "needs no building"),
        (20_001, GB, 0.98, "ivf-pq", "product codes and exact re-scoring"),
        (1_000_000, 4 * GB, 1.0, "exact", "a recall of 1"),
        (1_000_000, 2 * GB, 0.98, "ivf-pq", "take 1.7 GB of the 2.0 GB given"),
        (1_000_000, GB, 0.98, "ivf-sq8", "take 0.4 GB of the 1.0 GB given"),
        (1_000_000, GB // 5, 0.98, "ivf-pq", "take 0.1 GB and fit into the 0.2 GB given"),
        (10_000_000, GB, 0.98, "ivf-pq", "are more than the 1.0 GB given"),
    ],
)
def test_size_memory_and_target_decide(count: int, memory: int, target: float, kind: str, reason: str) -> None:
    plan = choose(count, 384, memory, target)
    assert plan.kind == kind
    assert reason in plan.why


def test_what_is_asked_for_is_planned() -> None:
    plan = choose(100_000, 384, GB, kind="exact")
    assert (plan.kind, plan.why, plan.lists, plan.code_bytes) == ("exact", "exact was asked for", 0, 0)
    sq8 = choose(100_000, 384, GB, kind="ivf-sq8")
    assert choose(100_000, 384, GB).memory_bytes < sq8.memory_bytes and sq8.lists and sq8.code_bytes == 384


def test_lists_have_enough_vectors_to_be_trained_on() -> None:
    for count in (1, 100, EXACT_NUMBERS // 384 + 1, 10**5, 10**6, 10**7):
        plan = choose(count, 384, GB, kind="ivf-sq8")
        assert plan.lists == 1 or plan.lists * 39 <= count
    assert choose(10**6, 384, GB).lists == 4_096


@pytest.mark.parametrize(("dimension", "parts"), [(384, 192), (250, 125), (7, 7)])
def test_product_codes_fit_any_dimension(dimension: int, parts: int) -> None:
    assert subquantizers(dimension) == parts and dimension % parts == 0
    assert choose(10**6, dimension, GB, kind="ivf-pq").code_bytes == (parts + 1) // 2


@pytest.mark.parametrize(
    ("count", "dimension", "memory", "target"),
    [(1, 8, 1, 0.0), (1, 8, 1, 1.1), (-1, 8, 1, 0.9), (1, 0, 1, 0.9), (1, 8, -1, 0.9)],
)
def test_impossible_sizes_are_refused(count: int, dimension: int, memory: int, target: float) -> None:
    with pytest.raises(ValueError, match=r"must be above 0|cannot be negative"):
        choose(count, dimension, memory, target)
