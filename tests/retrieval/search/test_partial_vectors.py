"""Two encoders' rankings become one by how far a cosine stands out, which is computed exactly without all cosines."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from retrieval.encoders.encoder import Vectors
from retrieval.search.partial_vectors import Background, merge_filling, semantic_weight, standardised


def unit(seed: int, count: int, dimension: int = 12) -> Vectors:
    drawn = np.random.default_rng(seed).normal(0.3, 1, (count, dimension))
    return (drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype(np.float32)


@given(st.integers(0, 1000), st.integers(1, 80), st.integers(0, 80))
def test_mean_and_deviation_are_those_of_all_cosines_and_indexes_add_up(seed: int, some: int, more: int) -> None:
    vectors, query = unit(seed, some + more), unit(seed + 1, 1)[0]
    cosines = vectors.astype(np.float64) @ query.astype(np.float64)
    together = Background.of(vectors[:some]) + Background.of(vectors[some:])
    np.testing.assert_allclose(together.cosines(query), (cosines.mean(), cosines.std()), atol=1e-6)
    np.testing.assert_allclose(
        (together - Background.of(vectors[some:])).cosines(query), Background.of(vectors[:some]).cosines(query), atol=1e-6
    )


def test_nothing_and_vectors_that_are_all_alike_stand_out_nowhere() -> None:
    query = unit(0, 1)[0]
    assert Background.of(unit(0, 0)).cosines(query) == (0.0, 0.0)
    same = np.repeat(unit(3, 1), 9, axis=0)
    assert standardised([("a", 0.5)], Background.of(same), query)[0][1] == 0.0


def test_a_scale_of_one_encoder_that_is_higher_does_not_win() -> None:
    """An encoder whose cosines are all near 0.9 ranks nothing before one whose cosines are near 0.1."""
    dull, sharp = unit(5, 200), unit(6, 200)
    dull = dull + 4 * dull.mean(axis=0)  # everything is similar to everything
    dull = (dull / np.linalg.norm(dull, axis=1, keepdims=True)).astype(np.float32)
    query_dull, query_sharp = dull[3], sharp[150]
    static = standardised([(f"p{i:03}", float(dull[i] @ query_dull)) for i in range(100)], Background.of(dull), query_dull)
    full = standardised(
        [(f"p{i:03}", float(sharp[i] @ query_sharp)) for i in range(100, 200)], Background.of(sharp[100:]), query_sharp
    )
    merged = merge_filling(full, static)
    assert {merged[0][0], merged[1][0]} == {"p003", "p150"}
    assert len(merged) == len({passage for passage, _ in merged}) == 200


def test_at_the_ends_it_is_the_one_ranking_or_the_other() -> None:
    static, full = [("a", 2.0), ("b", 1.0)], [("b", 3.0), ("a", 2.0)]
    assert merge_filling([], static) == static
    assert merge_filling(full, []) == full
    tied = merge_filling([("b", 1.0)], [("c", 1.0), ("a", 1.0)])
    assert tied == [("a", 1.0), ("b", 1.0), ("c", 1.0)]
    assert [semantic_weight(share, 0.6, 0.2) for share in (-1, 0, 0.5, 1, 2)] == [0.2, 0.2, 0.4, 0.6, 0.6]
