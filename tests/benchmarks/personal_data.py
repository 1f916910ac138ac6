"""Personal data planted in real texts: recall and precision a kind, and false alarms on texts without any.

    python tests/benchmarks/personal_data.py --json tests/benchmarks/results/personal_data.json
    python tests/benchmarks/personal_data.py --held-out --json tests/benchmarks/results/personal_data_held_out.json

The sample notes (laws and treatments, nobody's data) get sentences with made-up identifiers, in forms and wordings of letters, charts and
pleadings. `exact` is the share found with the right kind and the right place; `covered` the share that masking would take out whole,
under whatever kind. `--show` prints misses and false alarms.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

from environment import environment
from held_out_identifiers import FORMS as HELD_OUT
from planted_identifiers import FORMS as PLANTED

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from corpora.personal_data.masking import MIN_CONFIDENCE, Finding, find_personal_data  # noqa: E402
from corpora.readers import read_bytes  # noqa: E402

PER_FORM = 12


def paragraphs() -> list[tuple[str, list[str]]]:
    """Each sample note as its name and its blocks."""
    found = []
    for collection in ("legal", "medical"):
        for path in sorted((ROOT / "corpora" / "samples" / collection).iterdir()):
            for reading in read_bytes(path.read_bytes(), path.name).readings:
                found.append((f"{collection}/{path.name}", [block.text for block in reading.blocks]))
    return found


def overlapping(findings: list[Finding], start: int, end: int) -> list[Finding]:
    return [f for f in findings if f.start < end and f.end > start]


def main() -> None:
    """Plant, find, count; then the untouched notes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--held-out", action="store_true", help="The forms that were collected later.")
    parser.add_argument("--show", type=int, default=0, help="Misses and false alarms to print.")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    forms_of = HELD_OUT if arguments.held_out else PLANTED
    notes = paragraphs()
    planted, exact, covered = Counter[str](), Counter[str](), Counter[str]()
    right, wrong_kind, false = Counter[str](), Counter[str](), Counter[str]()
    shown: list[str] = []
    for row, forms in forms_of.items():
        kind = row.split("/")[0]
        for number, (template, make) in enumerate(forms):
            for copy in range(PER_FORM):
                draw = random.Random(f"{arguments.seed}:{row}:{number}:{copy}")
                title, value = ("", make(draw))
                if "|" in value:
                    title, value = value.split("|")
                blocks = draw.choice(notes)[1]
                before, after = draw.choice(blocks), draw.choice(blocks)
                sentence = template.format(f"{title} {value}" if title else value)
                # A line of a form stands alone; a sentence stands in running text more often than not.
                running = sentence[-1] in ".;" and draw.random() < 0.6
                text = f"{before} {sentence} {after}" if running else f"{before}\n\n{sentence}\n\n{after}"
                place = len(before) + (1 if text[len(before)] == " " else 2)
                start = text.index(value, place)
                end = start + len(value)
                findings = [f for f in find_personal_data(text) if f.confidence >= MIN_CONFIDENCE]
                planted[row] += 1
                hits = overlapping(findings, start, end)
                is_exact = any((f.kind, f.start, f.end) == (kind, start, end) for f in hits)
                masked = set().union(*(range(f.start, f.end) for f in hits)) if hits else set()
                is_covered = all(at in masked for at in range(start, end) if text[at].isalnum())
                exact[row] += is_exact
                covered[row] += is_covered
                if not is_exact:
                    got = [(f.kind, text[f.start : f.end]) for f in overlapping(findings, place, place + len(sentence))]
                    shown.append(f"MISS {row}: {sentence!r} -> {got}")
                for finding in findings:
                    if not (finding.start < place + len(sentence) and finding.end > place):
                        continue  # false alarms in the note itself are counted below, once
                    inside = finding.start < end and finding.end > start
                    (right if inside and finding.kind == kind else wrong_kind if inside else false)[finding.kind] += 1
                    if not inside:
                        shown.append(f"FALSE {finding.kind}: {text[finding.start : finding.end]!r} in {sentence!r}")
    alarms, doubtful, examples = Counter[str](), Counter[str](), []
    words, started = Counter[str](), time.perf_counter()
    for note, blocks in notes:
        text = "\n\n".join(blocks)
        collection = note.split("/")[0]
        words[collection] += len(text.split())
        for finding in find_personal_data(text):
            sure = finding.confidence >= MIN_CONFIDENCE
            (alarms if sure else doubtful)[f"{collection}/{finding.kind}"] += 1
            if sure:
                examples.append(f"ALARM {note}: {finding.kind} {text[max(0, finding.start - 30) : finding.end + 15]!r}")
    seconds = time.perf_counter() - started
    characters = sum(len("\n\n".join(blocks)) for _, blocks in notes)
    kinds = sorted({row.split("/")[0] for row in forms_of})
    result: dict[str, Any] = {
        "environment": environment(),
        "seed": arguments.seed,
        "min_confidence": MIN_CONFIDENCE,
        "recall": {
            row: {"exact": round(exact[row] / n, 4), "covered": round(covered[row] / n, 4), "n": n}
            for row, n in planted.items()
        },
        "precision": {
            kind: {
                "of_planted_sentences": round(right[kind] / total, 4)
                if (total := right[kind] + wrong_kind[kind] + false[kind])
                else None,
                "n": total,
            }
            for kind in kinds
        },
        "false_alarms_per_1000_words": {
            collection: {
                "sure": round(1000 * sum(n for key, n in alarms.items() if key.startswith(collection)) / count, 3),
                "by_kind": {key.split("/")[1]: n for key, n in sorted(alarms.items()) if key.startswith(collection)},
                "below_min_confidence": {
                    key.split("/")[1]: n for key, n in sorted(doubtful.items()) if key.startswith(collection)
                },
                "words": count,
            }
            for collection, count in words.items()
        },
        "characters_a_second": round(characters / seconds),
    }
    print(json.dumps(result, indent=1))
    by_row = defaultdict(list)
    for line in shown:
        by_row[line.split(":")[0]].append(line)
    for lines in (*by_row.values(), examples):
        print(*lines[: arguments.show], sep="\n", file=sys.stderr)
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
