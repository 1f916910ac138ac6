"""Near-duplicates planted in real documents: precision and recall of pairs, by threshold and by measure, and the time.

    python tests/benchmarks/duplicates.py --json tests/benchmarks/results/duplicates.json

Copies of real texts (policies, sections of acts, notes) are changed as copies are in practice, up to about 15 % of their words. A pair
is true when both come from one original; or, for originals among themselves, when at least 85 % of their words align (difflib), which
is no measure that the finder uses. All other pairs are negatives, sections of one act and letters of one template among them.
"""

from __future__ import annotations

import argparse
import difflib
import gzip
import json
import random
import re
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from environment import environment
from scipy.sparse import csr_array

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from corpora.text.near_duplicates import THRESHOLD, DuplicateIndex, find_duplicates, grams, jaccard, normalised, shingles  # noqa: E402

MIN_WORDS = 60
PLANTED = 450
ALIGNED = 0.85
THRESHOLDS = (0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.64, 0.68, 0.7, 0.72, 0.74, 0.76, 0.8, 0.85, 0.9)
MEASURES = ("word_5_gram_jaccard", "word_5_gram_containment", "word_jaccard", "character_6_gram_jaccard")
TRIED = (0.68, 0.72, 0.76, 0.8)
OCR = {
    "l": "1",
    "O": "0",
    "e": "c",
    "m": "rn",
    "h": "li",
    "i": "l",
    "S": "5",
    "a": "o",
    "t": "f",
    "rn": "m",
    "u": "ii",
    "n": "ri",
}
WORDS = (
    "Adams Baker Clark Dublin Evans Foster Galway Harris Irwin Jacobs Kelly Lyons Murphy Nolan Oakes Porter Quinn Reid".split()
)
HEADERS = (
    "CONFIDENTIAL. For internal use only. Printed from the document management system.",
    "Privileged and confidential attorney work product. Do not copy or forward without written permission of the firm.",
    "This print-out was made for convenience. The official version is the one published by the issuing authority.",
    "Page header: controlled copy. Check the register before relying on this version. Uncontrolled when printed.",
)


def sentences(text: str) -> list[str]:
    return re.split(r"(?<=[.;:])\s+", text)


def facts(text: str, share: float, draw: random.Random) -> str:
    """Numbers, dates and capitalised words replaced, up to `share` of all words; the first of all places are as likely as the last."""
    words = text.split(" ")
    places = [i for i, word in enumerate(words) if re.search(r"\d", word) or re.match(r"[A-Z][a-z]{2,}", word)]
    for place in draw.sample(places, min(len(places), int(share * len(words)))):
        word = words[place]
        words[place] = (
            re.sub(r"\d", lambda _: draw.choice("0123456789"), word) if re.search(r"\d", word) else draw.choice(WORDS)
        )
    return " ".join(words)


def dropped(text: str, share: float, draw: random.Random) -> str:
    parts, budget = sentences(text), share * len(text.split())
    for _ in range(50):
        place = draw.randrange(len(parts))
        size = len(parts[place].split())
        if len(parts) > 2 and size <= budget:
            budget -= size
            del parts[place]
    return " ".join(parts)


def reordered(text: str, share: float, draw: random.Random) -> str:
    parts, budget = sentences(text), share * len(text.split())
    for _ in range(50):
        place = draw.randrange(len(parts))
        size = len(parts[place].split())
        if size <= budget:
            budget -= size
            parts.insert(draw.randrange(len(parts)), parts.pop(place))
    return " ".join(parts)


def boilerplate(text: str, share: float, draw: random.Random) -> str:
    room = max(6, int(share * len(text.split())))
    header = draw.choice(HEADERS).split()[: room // 2 + 1]
    footer = f"Document {draw.randrange(10**6)}, version {draw.randrange(20)}. {draw.choice(HEADERS)}".split()[: room // 2]
    return " ".join((*header, text, *footer))


def ocr(text: str, share: float, draw: random.Random) -> str:
    """`share` of up to 15 % of words is 1–2 % of characters here."""
    rate = 0.01 + share / 15
    return "".join(OCR.get(c, draw.choice("abcdefghijklmnop")) if c.isalnum() and draw.random() < rate else c for c in text)


def typography(text: str, share: float, draw: random.Random) -> str:
    words = text.split()
    words = [word.upper() if draw.random() < share else word for word in words]
    words = [word.replace("'", "\u2019").replace("-", "\u2010") + ("," if draw.random() < share / 3 else "") for word in words]
    return "".join(word + draw.choice(("  ", "\n", " ", "\t")) for word in words)


def mixed(text: str, share: float, draw: random.Random) -> str:
    return typography(boilerplate(dropped(facts(text, share / 3, draw), share / 3, draw), share / 3, draw), share, draw)


RECIPES: tuple[Callable[[str, float, random.Random], str], ...] = (
    facts,
    dropped,
    reordered,
    boilerplate,
    ocr,
    typography,
    mixed,
)


def documents(data: Path, seed: int) -> dict[str, str]:
    """Id → text of at least `MIN_WORDS` words; an id begins with its family. The seed chooses acts and sections."""
    found: dict[str, str] = {}
    for path in sorted((ROOT / "corpora" / "samples" / "sources").glob("*/*.md")):
        found[f"sample/{path.stem}"] = path.read_text(encoding="utf-8").split("---\n", 2)[-1]
    for path in sorted((data / "github_site_policy").glob("*.md")):
        found[f"policy/{path.stem}"] = path.read_text(encoding="utf-8")
    draw = random.Random(f"documents:{seed}")
    with gzip.open(data / "irish_acts" / "acts_2018on.jsonl.gz", "rt", encoding="utf-8") as handle:
        for row in draw.sample([json.loads(line) for line in handle], 40):
            parts = row["text"].split("\n##### ")[1:]
            for number, section in enumerate(parts[:25]):
                found[f"act/{row['_id']}/{number}"] = section
    with gzip.open(data / "dc_code" / "sections.jsonl.gz", "rt", encoding="utf-8") as handle:
        rows = [json.loads(line) for line in handle]
    first = draw.randrange(len(rows) - 700)  # neighbours, not a scattered sample: what stands together is most alike
    for row in rows[first : first + 700]:
        found[f"code/{row['_id']}"] = row["text"]
    return {id: " ".join(text.split()) for id, text in found.items() if len(text.split()) >= MIN_WORDS}


def overlaps(texts: dict[str, str]) -> tuple[list[str], list[int], csr_array]:
    """Ids, set sizes, and the number of shared shingles of every pair: the exact reference for the LSH."""
    ids = sorted(texts)
    sets = [shingles(normalised(texts[id]).split()) for id in ids]
    columns = np.unique(np.concatenate(sets), return_inverse=True)[1].astype(np.int32)
    rows = np.repeat(np.arange(len(ids), dtype=np.int32), [len(own) for own in sets])
    matrix = csr_array((np.ones(len(columns), dtype=np.int32), (rows, columns)), shape=(len(ids), int(columns.max()) + 1))
    return ids, [len(own) for own in sets], csr_array(matrix @ matrix.T)


def scored_pairs(texts: dict[str, str]) -> Iterator[tuple[tuple[str, str], tuple[float, ...]]]:
    """Each pair that shares a shingle, with its similarity by each of `MEASURES`; 0 by the last two where it shares few."""
    ids, sizes, shared = overlaps(texts)
    plain = {id: normalised(text) for id, text in texts.items()}
    words = {id: Counter(text.split()) for id, text in plain.items()}
    characters = {id: grams(text) for id, text in plain.items()}
    grid = shared.tocoo()
    for left, right, count in zip(grid.coords[0].tolist(), grid.coords[1].tolist(), grid.data.tolist(), strict=True):
        if left < right:
            pair = (ids[left], ids[right])
            similarity, containment = count / (sizes[left] + sizes[right] - count), count / min(sizes[left], sizes[right])
            by_word = by_character = 0.0
            if similarity >= 0.1:
                bags = words[pair[0]], words[pair[1]]
                common = (bags[0] & bags[1]).total()
                by_word = common / (bags[0].total() + bags[1].total() - common)
                by_character = jaccard(characters[pair[0]], characters[pair[1]])
            yield pair, (similarity, containment, by_word, by_character)


def rates(found: set[tuple[str, str]], true: set[tuple[str, str]]) -> dict[str, Any]:
    right = len(found & true)
    return {
        "precision": round(right / len(found), 4) if found else None,
        "recall": round(right / len(true), 4),
        "found": len(found),
        "true": len(true),
    }


def main() -> None:
    """Plant, find, count."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    if not (arguments.data / "dc_code").is_dir():
        sys.exit(f"{arguments.data} has no dc_code; give the folder of data sets with --data")
    texts = documents(arguments.data, arguments.seed)
    originals = sorted(texts)
    origin = {id: id for id in originals}
    recipe_of: dict[str, str] = {}
    chosen = random.Random(f"plant:{arguments.seed}").sample(originals, PLANTED)
    for number, id in enumerate(chosen):
        draw = random.Random(f"{arguments.seed}:{id}")
        for recipe in (RECIPES[number % len(RECIPES)], RECIPES[(number + 3) % len(RECIPES)])[: 1 + number % 2]:
            copy = f"{id}~{recipe.__name__}"
            texts[copy] = recipe(texts[id], draw.uniform(0.03, 0.15), draw)
            origin[copy], recipe_of[copy] = id, recipe.__name__
    scores = dict(scored_pairs(texts))

    groups: dict[str, list[str]] = {}
    for id, source in origin.items():
        groups.setdefault(source, []).append(id)
    true = {tuple(sorted(pair)) for group in groups.values() for pair in combinations(group, 2)}
    aligned = 0
    for (left, right), (similarity, *_) in scores.items():
        if origin[left] == left and origin[right] == right and similarity >= 0.1:
            matcher = difflib.SequenceMatcher(
                None, texts[left].casefold().split(), texts[right].casefold().split(), autojunk=False
            )
            if matcher.quick_ratio() >= ALIGNED and matcher.ratio() >= ALIGNED:
                aligned += 1
                true |= {tuple(sorted((a, b))) for a in groups[left] for b in groups[right]}

    sweep = {
        measure: {
            str(threshold): rates({pair for pair, values in scores.items() if values[place] >= threshold}, true)
            for threshold in THRESHOLDS
        }
        for place, measure in enumerate(MEASURES)
    }
    exact = {pair: values[-1] for pair, values in scores.items()}
    results: dict[str, Any] = {}
    for threshold in TRIED:
        started = time.perf_counter()
        clusters = find_duplicates(texts, threshold)
        seconds = time.perf_counter() - started
        inside = {
            pair for c in clusters for pair in combinations(sorted((c.canonical, *(member.id for member in c.members))), 2)
        }
        row: dict[str, Any] = {"pairs_in_clusters": rates(inside, true), "seconds": round(seconds, 2)}
        if threshold == THRESHOLD:
            index = DuplicateIndex(threshold)
            linked: set[tuple[str, str]] = set()
            for id in sorted(texts):
                linked |= {(min(id, other), max(id, other)) for other, _ in index.similar(texts[id])}
                index.add(id, texts[id])
            reference = {pair for pair, similarity in exact.items() if similarity >= threshold}
            by_recipe = Counter(recipe_of[copy] for copy in recipe_of if tuple(sorted((copy, origin[copy]))) in inside)
            totals = Counter(recipe_of.values())
            row |= {
                "links": rates(linked, true),
                "recall_of_a_comparison_of_all_pairs": round(len(linked & reference) / len(reference), 4),
                "copies_with_their_original": {name: f"{by_recipe[name]}/{totals[name]}" for name in sorted(totals)},
            }
        results[str(threshold)] = row
    planted = [exact.get((min(copy, origin[copy]), max(copy, origin[copy])), 0.0) for copy in recipe_of]
    megabytes = sum(map(len, texts.values())) / 1e6
    result = {
        "environment": environment(),
        "seed": arguments.seed,
        "documents": {"originals": len(originals), "copies": len(recipe_of), "millions_of_characters": round(megabytes, 2)},
        "pairs": {
            "true": len(true),
            "true_among_originals": aligned,
            "sharing_a_5_gram": len(scores),
            "all": len(texts) * (len(texts) - 1) // 2,
        },
        "similarity_of_copies": {
            "median": round(statistics.median(planted), 3),
            "5th_percentile": round(statistics.quantiles(planted, n=20)[0], 3),
        },
        "threshold": THRESHOLD,
        "measures": sweep,
        "find_duplicates": results,
    }
    print(json.dumps(result, indent=1))
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
