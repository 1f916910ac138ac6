"""Where to cut a row of pieces into windows of a limited size. Pure; knows no text.

The windows are chosen together, not one after the other: a greedy cut fills every window but the last, which then holds
what is left over, and cuts wherever a window happens to be full. After Knuth and Plass, "Breaking paragraphs into
lines", 1981.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate


def best_windows(
    sizes: Sequence[Sequence[int]], limits: Sequence[int], cut_costs: Sequence[float], overlap: int = 0
) -> list[tuple[int, int]]:
    """`(first, end)` of each window over the pieces, in order; of equal choices the one that is cut earlier.

    `sizes` has a row for each way of measuring, with a number a piece, and `limits` the most of each that a window may
    hold; a piece over a limit is a window of its own. `cut_costs` are those of cutting after each piece. What is
    minimised is the sum of those and of the squared room (0–1) that windows leave. `overlap` pieces of a window, or as
    many of them as leave room for a new one, are repeated by the next.
    """
    n = len(cut_costs)
    totals = [list(accumulate(row, initial=0)) for row in sizes]
    pairs = list(zip(totals, limits, strict=True))
    best = [0.0] + [float("inf")] * n
    came = [0] * (n + 1)
    begins = list(range(n))
    for new in range(n):
        if overlap:
            begins[new] = _first_repeated(pairs, new, overlap)
        base = best[new]
        for end in range(new + 1, n + 1):
            share = max([(total[end] - total[begins[new]]) / limit for total, limit in pairs])
            if share > 1 and end > new + 1:
                break
            cost = base + (1 - min(share, 1)) ** 2 + (cut_costs[end - 1] if end < n else 0)
            if cost < best[end]:
                best[end], came[end] = cost, new
    windows = []
    end = n
    while end:
        windows.append((begins[came[end]], end))
        end = came[end]
    return windows[::-1]


def _first_repeated(pairs: Sequence[tuple[Sequence[int], int]], new: int, overlap: int) -> int:
    """The first of up to `overlap` pieces before `new` that fit into a window with it."""
    first = new
    while first and first > new - overlap and all(total[new + 1] - total[first - 1] <= limit for total, limit in pairs):
        first -= 1
    return first
