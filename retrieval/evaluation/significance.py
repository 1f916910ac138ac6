"""Paired significance tests: whether one system is better than another on the same queries, or it is noise. Pure.

The randomisation test is what Smucker, Allan and Carterette recommend ("A comparison of statistical significance tests
for information retrieval evaluation", CIKM 2007); several comparisons are corrected together by Holm's method ("A
simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 1979).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from retrieval.evaluation.bootstrap import Interval, bootstrap_mean

LEVEL = 0.05
DRAWS = 20_000
_BLOCK = 500


@dataclass(frozen=True)
class Comparison:
    """The mean difference of two systems with its 95 % interval and p-values; positive where `left` is better.

    `p` is of this pair alone, `p_holm` of it among all pairs that were compared together; both in 0–1.
    """

    left: str
    right: str
    difference: Interval
    p: float
    p_holm: float

    @property
    def better(self) -> bool:
        """True when `left` beats `right` by more than noise."""
        return self.p_holm < LEVEL and self.difference.low > 0

    @property
    def worse(self) -> bool:
        """True when `right` beats `left` by more than noise."""
        return self.p_holm < LEVEL and self.difference.high < 0


def compare(values: Mapping[str, Sequence[float]], seed: int = 0) -> list[Comparison]:
    """Compare every pair of systems. `values`: system name → values of the same queries in the same order.

    Raises ValueError where their lengths differ. Without queries there is nothing to compare.
    """
    if len({len(row) for row in values.values()}) > 1:
        raise ValueError(f"systems with values of {sorted({len(row) for row in values.values()})} queries; give all the same")
    pairs: list[tuple[str, str, Interval, float]] = []
    for left, right in combinations(values, 2):
        differences = np.asarray(values[left], dtype=float) - np.asarray(values[right], dtype=float)
        interval = bootstrap_mean(differences.tolist(), seed=seed)
        if interval is not None:
            pairs.append((left, right, interval, randomisation_test(differences.tolist(), seed=seed)))
    corrected = holm([pair[3] for pair in pairs])
    return [Comparison(*pair, p_holm) for pair, p_holm in zip(pairs, corrected, strict=True)]


def randomisation_test(differences: Sequence[float], draws: int = DRAWS, seed: int = 0) -> float:
    """The two-sided p-value of paired differences by a randomisation test: how often random signs give as large a mean.

    Exact where all sign patterns are at most `draws`; else (b + 1) / (draws + 1) over random ones (Phipson and Smyth,
    2010). Queries without a difference change nothing and are left out. Without any difference it is 1.
    """
    values = np.asarray(differences, dtype=float)
    values = values[values != 0]
    if not len(values):
        return 1.0
    observed = abs(values.sum()) * (1 - 1e-9)  # a permutation that only rounds differently counts as equal
    if 2 ** len(values) <= draws:
        patterns = (np.arange(2 ** len(values))[:, None] >> np.arange(len(values))) & 1
        sums = (patterns * 2.0 - 1.0) @ values
        return float((np.abs(sums) >= observed).mean())
    generator = np.random.default_rng(seed)
    as_large = 0
    for first in range(0, draws, _BLOCK):
        signs = generator.integers(0, 2, (min(_BLOCK, draws - first), len(values))) * 2.0 - 1.0
        as_large += int((np.abs(signs @ values) >= observed).sum())
    return (as_large + 1) / (draws + 1)


def holm(p_values: Sequence[float]) -> list[float]:
    """P-values corrected by Holm's method, in their order: the smallest times m, the next times m - 1, never falling."""
    order = sorted(range(len(p_values)), key=lambda index: p_values[index])
    corrected = [1.0] * len(p_values)
    highest = 0.0
    for rank, index in enumerate(order):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[index]))
        corrected[index] = highest
    return corrected


def shown_p(p: float) -> str:
    """A p-value with its sign and as many digits as it bears: "< .001", "= .012"."""
    return "< .001" if p < 0.001 else f"= {f'{p:.3f}'.removeprefix('0') if p < 0.9995 else '1'}"
