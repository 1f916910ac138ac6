"""Write the tables of README.md and docs/ from the committed result files, or check that they are what the files say.

python tests/benchmarks/readme_tables.py            # rewrites the tables
python tests/benchmarks/readme_tables.py --check    # fails when one differs
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
SHOWN = (
    "token F1",
    "exact match",
    "token F1, oracle retrieved",
    "citation precision",
    "citation precision, document",
    "citation recall",
    "verbatim quotes",
    "abstention precision",
    "abstention recall",
)


def _result(name: str) -> dict[str, Any]:
    value: dict[str, Any] = json.loads((HERE / "results" / f"{name}.json").read_text(encoding="utf-8"))
    return value


def _shown(interval: dict[str, float] | None, signed: bool = False) -> str:
    if interval is None:
        return "–"
    sign = "+" if signed else ""
    return f"{interval['value']:{sign}.2f} [{interval['low']:{sign}.2f}, {interval['high']:{sign}.2f}]"


def comparison(name: str) -> str:
    """Base and tuned over the same passages, from the result file `name`."""
    result = _result(name)
    evaluation = result["evaluation"]
    run = next(arm for arm in evaluation["measures"][0]["arms"] if arm != "base")
    lines = [
        f"| {evaluation['n']} held-out questions | base + retrieval | RAFT-tuned + retrieval | difference |",
        "|---|---|---|---|",
    ]
    for measure in evaluation["measures"]:
        if measure["name"] in SHOWN:
            cells = [
                _shown(measure["arms"]["base"]),
                _shown(measure["arms"][run]),
                _shown(measure["differences"][run], signed=True),
            ]
            lines.append(f"| {measure['name']} | {' | '.join(cells)} |")
    retrieval = ", ".join(f"{key} {_shown(value)}" for key, value in evaluation["retrieval"].items())
    about = result["environment"]
    held = result.get("abstention")
    if held:
        lines += [
            "",
            f"When to abstain is decided from search alone, so it is measured on all {held['n']} held-out questions: precision "
            f"{_shown(held['precision'])}, where abstaining at random has {held['chance']:.2f}; recall {_shown(held['recall'])}, "
            f"AUC {held['auc']:.2f}.",
        ]
    lines += [
        "",
        f"Retrieval on the same questions: {retrieval}. Abstaining at random on these would have a precision of "
        f"{evaluation['chance_abstention_precision']:.2f}. 95 % paired-bootstrap intervals; {about['cores']} cores of {about['cpu']}, "
        f"{about['date']}, commit {about['commit']}.",
    ]
    return "\n".join(lines)


def stages() -> str:
    """The demo's stages with their wall-clock time."""
    result = _result("demo")
    seconds = result["seconds"]
    names = list(seconds)
    return "\n".join(
        [
            f"| {' | '.join(name.replace('_', ' ') for name in names)} | peak memory |",
            f"|{'---|' * (len(names) + 1)}",
            f"| {' | '.join(f'{seconds[name]:.0f} s' for name in names)} | {result['peak_memory_gb']:.1f} GB |",
        ]
    )


def memory() -> str:
    """Computed against measured memory."""
    rows = _result("model_memory")["rows"]
    lines = ["| use | row length | computed | measured |", "|---|---|---|---|"]
    lines += [f"| {r['way']} | {r['tokens']} tokens | {r['estimated_gb']:.2f} GB | {r['measured_gb']:.2f} GB |" for r in rows]
    return "\n".join(lines)


def duplicates() -> str:
    """Precision and recall on planted near-duplicates."""
    result = _result("duplicates")
    chosen = result["find_duplicates"][str(result["threshold"])]["pairs_in_clusters"]
    about, pairs = result["documents"], result["pairs"]
    return (
        f"Planted copies ({about['copies']} of {about['originals']} real texts: changed facts, dropped and moved sentences, "
        f"headers, OCR noise), {pairs['true']} true pairs: precision {chosen['precision']:.3f}, recall {chosen['recall']:.3f}."
    )


def personal() -> str:
    """Recall on planted identifiers, and false alarms."""
    result = _result("personal_data")
    lines = ["| kind | recall | n |", "|---|---|---|"]
    lines += [f"| {kind} | {row['exact']:.2f} | {row['n']} |" for kind, row in result["recall"].items()]
    alarms = ", ".join(f"{name} {row['sure']:.3f}" for name, row in result["false_alarms_per_1000_words"].items())
    return "\n".join([*lines, "", f"False alarms per 1,000 words of the sample collections: {alarms}."])


def personal_held_out() -> str:
    """Recall on the forms collected later, when they were first run and now."""
    first, now = _result("personal_data_held_out_before")["recall"], _result("personal_data_held_out")["recall"]
    lines = ["| kind | first run | now | n |", "|---|---|---|---|"]
    lines += [f"| {kind} | {row['exact']:.2f} | {now[kind]['exact']:.2f} | {row['n']} |" for kind, row in first.items()]
    return "\n".join(lines)


def ingestion() -> str:
    """Files a second and recovered text, beside the peers; the PDFs that have a twin, and the scans."""
    result = _result("ingestion")
    kinds = list(result["rows"][0]["recovered_by_format"])
    head = ["tool", "files a second", "MB a second", "processor s", "text recovered", "its words that are text", *kinds]
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    for row in result["rows"]:
        shares = " | ".join(f"{row['recovered_by_format'][kind]:.3f}" for kind in kinds)
        speed = f"{row['files_per_s']:.1f} | {row['megabytes_per_s']:.2f} | {row['processor_s']:.1f}"
        lines.append(f"| {row['tool']} | {speed} | {row['recovered']:.3f} | {row['text_share']:.3f} | {shares} |")
    twins = "; ".join(
        f"{row['tool']} {min(scores):.3f} to {max(scores):.3f}"
        for row in result["rows"]
        if (scores := row["pdf_twins"].values())
    )
    scans = result["scans"]
    read = "; ".join(f"{row['tool']} {row['words']:,} words in {row['seconds']:.0f} s" for row in scans["rows"])
    about = result["environment"]
    rounds = ", ".join(f"{row['tool']} {row['rounds']}" for row in result["rows"] if row["rounds"] != result["rounds"])
    measured = f"{result['files']} files, {result['megabytes']} MB, median of {result['rounds']} rounds" + (
        f" ({rounds})" if rounds else ""
    )
    return "\n".join(
        [
            *lines,
            "",
            f"{measured}; {about['cores']} cores of {about['cpu']}, {about['date']}.",
            f"PDFs beside the same text in Markdown, F1 of the words: {twins}.",
            f"{scans['files']} scanned PDFs: {read}.",
        ]
    )


def splits() -> str:
    """How evenly labels fall into the splits."""
    lines = ["| documents | labels | distance of a label's test share from 0.2 | by a hash | labels never tested | by a hash |"]
    lines.append("|---|---|---|---|---|---|")
    for row in _result("splits")["rows"]:
        figures = (
            f"{row['topics_unevenness']:.3f} | {row['hash_unevenness']:.3f} | {row['topics_away']:.1f} | {row['hash_away']:.1f}"
        )
        lines.append(f"| {row['documents']} of {row['set']} | {row['labels']} | {figures} |")
    return "\n".join(lines)


def quality() -> str:
    """nDCG@10 of every way of searching on every judged set, and beside it the peers; then what late interaction and learning do."""
    result = _result("retrieval_quality")
    systems, sets, default = list(result["average"]), result["sets"], result["default"]
    lines = [f"| nDCG@10 | queries | documents | {' | '.join(systems)} |", f"|{'---|' * (len(systems) + 3)}"]
    for name, part in sets.items():
        cells = [f"{part['systems'][system]['nDCG@10']['value']:.3f}{_mark(part, system)}" for system in systems]
        lines.append(f"| {name} | {part['queries']} | {part['documents']} | {' | '.join(cells)} |")
    means = " | ".join(f"{result['average'][system]:.3f}" for system in systems)
    lines.append(f"| average | | | {means} |")
    about, peers = result["environment"], next(iter(sets.values()))["versions"]
    lines += [
        "",
        f"▼ worse, ▲ better than {default} by more than noise (paired randomisation test, Holm over all pairs of a set). Encoder "
        f"{result['encoder']} for all; {', '.join(f'{package} {version}' for package, version in peers.items())}; {about['date']}, "
        f"commit {about['commit']}.",
        "",
        "| late interaction over hybrid, nDCG@10 | queries | weight 1 | weight 0.5 | weight 0.25 |",
        "|---|---|---|---|---|",
    ]
    for name, part in sets.items():
        changes = [_change(found["difference"], turned=True) for found in part["reranked"]["against_default"].values()]
        lines.append(f"| {name} | {part['reranked']['queries']} | {' | '.join(changes)} |")
    lines += ["", "| tune-search | adopted | chosen | held-out difference |", "|---|---|---|---|"]
    for name, part in sets.items():
        learnt = part["learnt"]
        chosen = learnt["chosen"]
        shown = (
            f"dense weight {chosen['dense_weight']:g}"
            if chosen["method"] == "convex"
            else f"reciprocal rank, constant {chosen['rank_constant']}"
        )
        change = _change(learnt["comparison"]["difference"]) if learnt["comparison"] else "–"
        lines.append(f"| {name} | {'yes' if learnt['adopted'] else 'no'} | {shown} | {change} |")
    return "\n".join(lines)


def _mark(part: dict[str, Any], system: str) -> str:
    found = part["against_default"].get(system, {})
    return " ▼" if found.get("better") else " ▲" if found.get("worse") else ""


def _change(interval: dict[str, float], turned: bool = False) -> str:
    """A difference with its interval; `turned` where it was taken the other way round."""
    value, low, high = (interval[key] for key in ("value", "low", "high"))
    if turned:
        value, low, high = -value, -high, -low
    return f"{value:+.3f} [{low:+.3f}, {high:+.3f}]"


def chunking() -> str:
    """What a prompt holds of the answer, and nDCG, with raftsmith's chunks and beside every other splitter's."""
    result = _result("chunking")
    shown = (("covered@500", "share of the answer in a prompt of 500 tokens"), ("nDCG@10", "nDCG@10"))
    others = list(
        dict.fromkeys(
            row["splitter"]
            for of in result["sets"].values()
            for row in of["rows"]
            if not row["splitter"].startswith("raftsmith")
        )
    )
    lines = []
    for measure, title in shown:
        heads = " | ".join(f"minus {name}" for name in others)
        lines += [f"| {title} | questions | raftsmith | {heads} |", f"|{'---|' * (len(others) + 3)}"]
        for name, of in result["sets"].items():
            for size in sorted({row["tokens"] for row in of["rows"]}):
                rows = {row["splitter"]: row for row in of["rows"] if row["tokens"] == size}
                ours = rows["raftsmith"]["measures"][measure]["value"]
                cells = [
                    _shown(rows[other]["raftsmith_minus"][measure], signed=True) if other in rows else "–" for other in others
                ]
                lines.append(f"| {name}; {size} tokens | {of['questions']} | {ours:.2f} | {' | '.join(cells)} |")
        lines.append("")
    tidy = {
        name: [row["tidy_ends"] for of in result["sets"].values() for row in of["rows"] if row["splitter"] == name]
        for name in ("raftsmith", *others)
    }
    ends = ", ".join(f"{name} {min(shares):.2f}–{max(shares):.2f}" for name, shares in tidy.items())
    speed = ", ".join(f"{row['splitter']} {row['megabytes_per_s']}" for row in result["speed"]["rows"])
    about = result["speed"]["environment"]
    return "\n".join(
        [
            *lines,
            f"Chunks that end at a mark of punctuation or a paragraph's end: {ends}.",
            f"MB of text a second, 200 tokens a chunk: {speed}. {about['cores']} cores of {about['cpu']}, {about['date']}.",
        ]
    )


def sentences() -> str:
    """Sentence boundaries against marks made by hand."""
    result = _result("sentences")
    lines = ["| splitter | precision | recall | F1 | F1 away from list numbers | MB a second |", "|---|---|---|---|---|---|"]
    for row in result["rows"]:
        every, apart = row["all"], row["not_beside_numbers"]
        shares = f"{every['precision']:.3f} | {every['recall']:.3f} | {every['f1']:.3f} | {apart['f1']:.3f}"
        lines.append(f"| {row['splitter']} | {shares} | {row['megabytes_per_s']:.2f} |")
    marks = result["rows"][0]["all"]["right"] + result["rows"][0]["all"]["missed"]
    return "\n".join([*lines, "", f"{marks} boundaries in {result['passages']} passages."])


def lexical() -> str:
    """Identifiers and nDCG@10 of every lexical index, then latency, size and the price of a change at scale."""
    result = _result("lexical")
    quality = result["quality"]
    systems = list(next(iter(quality["judged"].values()))["systems"])
    heads = " | ".join(systems)
    lines = []
    for key, title in (("identifiers", "identifiers, first place right"), ("judged", "nDCG@10")):
        lines += [f"| {title} | queries | {heads} |", f"|{'---|' * (len(systems) + 2)}"]
        for name, part in quality[key].items():
            chose = ", chose the weight" if name in quality["development"] else ""
            cells = [f"{part['systems'][system]['value']:.3f}{_beside(part, system)}" for system in systems]
            lines.append(f"| {name}{chose} | {part['queries']} | {' | '.join(cells)} |")
        lines.append("")
    ours = result["ours"]
    chunks, about = result["chunks"], result["environment"]
    lines += [f"| {chunks:,} chunks | filter | p50 | p99 | processor, p50 | queries |", "|---|---|---|---|---|---|"]
    rows = [("raftsmith", name, row["chosen_rows"]) for name, row in ours["latency"].items()]
    rows += [("raftsmith, all rows scored", name, row["all_rows"]) for name, row in ours["latency"].items()]
    rows += [(peer, name, row) for peer in ("tantivy", "bm25s") for name, row in result[peer]["latency"].items()]
    for system, name, row in rows:
        processor = f"{row['processor_p50_ms']:.0f} ms" if "processor_p50_ms" in row else "–"
        lines.append(f"| {system} | {name} | {row['p50_ms']:.0f} ms | {row['p99_ms']:.0f} ms | {processor} | {row['n']} |")
    lines += ["", "| | built in | on disk | 20 chunks more, median (longest) | 20 chunks fewer |", "|---|---|---|---|---|"]
    for system, part, size in (
        ("raftsmith, the whole store", ours, ours["database_bytes"]),
        ("tantivy", result["tantivy"], result["tantivy"]["bytes"]),
    ):
        more, fewer = (
            f"{part[c]['median_ms']:.0f} ms ({part[c]['max_ms']:.0f})" for c in ("add_20_chunks", "remove_20_chunks")
        )
        lines.append(f"| {system} | {part['build_s']:.0f} s | {size / 1e9:.2f} GB | {more} | {fewer} |")
    bm25s = result["bm25s"]
    lines.append(f"| bm25s | {bm25s['build_s']:.0f} s | {bm25s['bytes'] / 1e9:.2f} GB | a new index | a new index |")
    cost = "; ".join(
        f"{name} ({part['queries']}) {part['all rows']:.3f}, {_change(part['difference'])}"
        for name, part in result["choosing"].items()
    )
    peers = ", ".join(f"{package} {version}" for package, version in result["versions"].items())
    return "\n".join(
        [
            *lines,
            "",
            "▼ worse, ▲ better than raftsmith by more than noise (paired randomisation test, Holm over all pairs of a set). "
            f"{ours['real_chunks']:,} of the chunks are real passages of acts, statutes, answers and abstracts, "
            "the others their sentences put together at random.",
            f"nDCG@10 of judged sets among all these chunks with all rows scored, and what choosing rows changes: {cost}.",
            "Other processes ran beside, more of them beside raftsmith: wall-clock times are too long, and no ratio between programs "
            "is exact; the processor's time is what a query costs.",
            f"{peers}; {about['cores']} cores of {about['cpu']}, {about['date']}.",
        ]
    )


def _beside(part: dict[str, Any], system: str) -> str:
    found = part["ours_minus"].get(system, {})
    return " ▼" if found.get("better") else " ▲" if found.get("worse") else ""


def tuning() -> str:
    """What a tuned encoder finds on documents that it was not tuned on, and what it changes elsewhere."""
    result = _result("retriever_tuning")
    lines = [
        "| tuned on | queries: train, validation, test | passages | minutes | search | nDCG@10 before | after | difference | relative |",
        f"|{'---|' * 9}",
    ]
    elsewhere = []
    for name, part in result["sets"].items():
        queries = ", ".join(str(part["queries"][split]) for split in ("train", "validation", "test"))
        for gain in part["gains"]:
            figures = (
                f"{gain['base']['value']:.3f} | {gain['tuned']['value']:.3f} | {_change(gain['comparison']['difference'])}"
            )
            about = f"| {name} | {queries} | {part['chunks']} | {part['trained']['seconds'] / 60:.0f} | {gain['mode']}"
            lines.append(f"{about} | {figures} | {gain['relative']:+.1%} |")
        for other, gains in part["elsewhere"].items():
            cells = [f"{gain['base']['value']:.3f} | {_change(gain['comparison']['difference'])}" for gain in gains]
            elsewhere.append(f"| {name} | {other} | {gains[0]['base']['n']} | {' | '.join(cells)} |")
    about = next(iter(result["sets"].values()))["environment"]
    commits = ", ".join(f"{name} {part['environment']['commit']}" for name, part in result["sets"].items())
    return "\n".join(
        [
            *lines,
            "",
            f"All figures are of the test queries, whose relevant documents no training query has; {result['words']} words a passage; "
            f"95 % paired-bootstrap intervals. {about['cores']} cores of {about['cpu']}, with other work beside; {about['date']}; "
            f"commits: {commits}.",
            "",
            "| tuned on | and searched on | queries | dense before | dense change | hybrid before | hybrid change |",
            f"|{'---|' * 7}",
            *elsewhere,
        ]
    )


def reranking() -> str:
    """What a tuned reranker changes on documents that it was not tuned on, and what it costs."""
    result = _result("reranker_tuning")
    lines = [
        "| tuned on | queries: train, validation, test | epochs | minutes | weight | nDCG@10 without | with | difference | relative "
        "| ms a query without, with |",
        f"|{'---|' * 10}",
    ]
    for name, part in result["sets"].items():
        queries = ", ".join(str(part["queries"][split]) for split in ("train", "validation", "test"))
        about = f"| {name} | {queries} | {len(part['trained']['validation']) - 1} | {part['trained']['seconds'] / 60:.0f}"
        gain, cost = part["gain"], part["milliseconds"]
        if gain is None:
            lines.append(f"{about} | 0 | – | – | – | – | – |")
            continue
        figures = (
            f"{gain['base']['value']:.3f} | {gain['tuned']['value']:.3f} | {_change(gain['comparison']['difference'])} | "
            f"{gain['relative']:+.1%} | {cost['search']:.0f}, {cost['reranked']:.0f}"
        )
        lines.append(f"{about} | {part['trained']['weight']:g} | {figures} |")
    about, depth = next(iter(result["sets"].values()))["environment"], next(iter(result["sets"].values()))["depth"]
    commits = ", ".join(f"{name} {part['environment']['commit']}" for name, part in result["sets"].items())
    return "\n".join(
        [
            *lines,
            "",
            f"Hybrid search, with the untuned encoder where nothing else is said; the first {depth} hits are reranked. All figures are "
            f"of the test queries, whose relevant documents no training query has; {result['words']} words a passage; "
            "95 % paired-bootstrap intervals. A weight of 0: "
            f"no epoch was better on validation queries. {about['cores']} cores of {about['cpu']}, with other work beside, so "
            f"milliseconds are too many; {about['date']}; commits: {commits}.",
        ]
    )


def dense() -> str:
    """The index of vectors beside FAISS alone and the peers: latency at the recall that each reaches, building, bytes."""
    return "\n\n".join(_dense(_result(name)) for name in ("dense_index_1m", "dense_index_100k"))


def _dense(result: dict[str, Any]) -> str:
    lines = [
        f"| {result['vectors']:,} vectors | recall@10 | p50 ms | times FAISS | p99 ms | build s | on disk MB | settings |",
        f"|{'---|' * 8}",
    ]
    for row in result["results"]:
        if row["system"] == "raftsmith, hnsw":  # measured then, and deleted for what it measured
            continue
        built = f"{row['seconds']:.0f} | {row['disk_bytes'] / 1e6:.0f}" if "seconds" in row else "– | –"
        shown = row["settings"].partition(":")[0] if row["system"].startswith("raftsmith") else row["settings"]
        settings = shown + (f"; effort {row['effort']}" if row["effort"] not in ("None", "") else "")
        times = f"{row['p50_ms']:.2f} | {row['ratio']:.2f} | {row['p99_ms']:.2f}"
        lines.append(f"| {row['system']} | {row['recall']:.3f} | {times} | {built} | {settings} |")
    about = result["environment"]
    peers = ", ".join(f"{package} {version}" for package, version in about["peers"].items())
    return "\n".join(
        [
            *lines,
            "",
            f"{result['vectors']:,} × {result['dimension']}, one query at a time, {result['results'][0]['queries']} real questions in "
            f"{result['rounds']} interleaved rounds; every system steered to {result['target_recall']} on other questions, where it can be; "
            "times FAISS: the median over rounds of the p50 over that of FAISS, re-scoring itself. "
            f"{about['cores']} cores of {about['cpu']}; {peers}; {about['date']}, commit {about['commit']}.",
        ]
    )


def encoding() -> str:
    """How close encoding comes to the machine's float32 products, beside the library."""
    result = _result("encoding")
    lines = [
        "| | texts | share of the best float32 product, best | library | times the library, median |",
        "|---|---|---|---|---|",
    ]
    for key, title in (("one core, CPU time", "one core"), ("all cores, wall time", "all cores")):
        for name, ways in result[key]["texts"].items():
            ours, library = ways["packed"], ways["library"]
            shares = f"{ours['share of the best product']:.2f} | {library['share of the best product']:.2f}"
            lines.append(f"| {title} | {name} | {shares} | {ours['times the library, median of rounds']:.2f} |")
    about = result["environment"]
    worst = min(
        result[key]["worst cosine with the library"]["packed"] for key in ("one core, CPU time", "all cores, wall time")
    )
    return "\n".join(
        [
            *lines,
            "",
            f"Lowest cosine with the library's vectors {worst:.5f}. {about['cores']} cores of {about['cpu']}, {about['date']}, "
            f"commit {about['commit']}.",
        ]
    )


def scale_add() -> str:
    """Adding 100,000 real passages, killed twice."""
    result = _result("scale_add")
    about, reading, filling = result["environment"], result["killed_while_reading"], result["killed_while_filling"]
    return (
        f"{result['files']} acts, {result['words']:,} words, {result['passages']:,} passages, {result['full_vectors']:,} full vectors in "
        f"{result['seconds'] / 60:.1f} minutes with two kills (`kill -9` while reading, at {reading['passages']:,} passages, and while "
        f"filling, at {filling['full_vectors']:,} full vectors; {result['vectors_made_before_the_kill_and_kept']:,} of these were kept). "
        f"First passages searchable after {result['first_searchable_s']:.0f} s, all after {result['all_searchable_s']:.0f} s; "
        f"{result['vectors_per_s_while_filling']:.0f} full vectors a second; peak memory {result['peak_memory_bytes'] / 1e9:.1f} GB; "
        f"store {result['store_bytes'] / 1e6:.0f} MB, vectors {result['segment_bytes'] / 1e6:.0f} MB. "
        f"{about['cores']} cores of {about['cpu']}, {about['date']}."
    )


def scale_curve() -> str:
    """What a collection costs by its size."""
    result = _result("scale_curve")
    ways = ("dense", "lexical", "hybrid", "hybrid, a filter of 1 %")
    heads = " | ".join(f"{way} p50 / p99 ms" for way in ways)
    lines = [
        f"| passages | index | {heads} | commit ms | next search ms | open s | database MB |",
        f"|{'---|' * (len(ways) + 6)}",
    ]
    for row in result["rows"]:
        cells = " | ".join(f"{row[way]['p50_ms']:.1f} / {row[way]['p99_ms']:.0f}" for way in ways)
        rest = f"{row['commit_ms']:.0f} | {row['next_search_ms']:.1f} | {row['open_s']:.1f} | {row['database_bytes'] / 1e6:.0f}"
        lines.append(f"| {row['passages']:,} | {row['index']} | {cells} | {rest} |")
    about = result["environment"]
    return "\n".join([*lines, "", f"{about['cores']} cores of {about['cpu']}, {about['date']}."])


def scale_filter() -> str:
    """What a filter costs in a million passages."""
    result = _result("scale_filter")
    lines = [
        "| search | no filter, p50 / p99 ms | a filter of 1 % | ratio of medians | first search with it, ms |",
        f"|{'---|' * 5}",
    ]
    for mode in ("dense", "lexical", "hybrid"):
        without, with_it = (
            f"{result[mode][name]['p50_ms']:.0f} / {result[mode][name]['p99_ms']:.0f}" for name in ("none", "1 %")
        )
        first, ratio = result[mode]["1 %"]["first_ms"], result[mode]["ratio of medians"]
        lines.append(f"| {mode} | {without} | {with_it} | {ratio:.2f} | {first:.0f} |")
    about = result["environment"]
    return "\n".join(
        [
            *lines,
            "",
            f"{result['passages']:,} passages, {result['questions']} real questions, each asked without and with the filter in turn; two "
            f"trainings ran beside. {about['cores']} cores of {about['cpu']}, {about['date']}, commit {about['commit']}.",
        ]
    )


TABLES: dict[str, Callable[[], str]] = {
    "dense": dense,
    "encoding": encoding,
    "scale-add": scale_add,
    "scale-curve": scale_curve,
    "demo": lambda: comparison("demo"),
    "shared": lambda: comparison("shared_collection"),
    "stages": stages,
    "memory": memory,
    "duplicates": duplicates,
    "ingestion": ingestion,
    "personal": personal,
    "splits": splits,
    "personal-held-out": personal_held_out,
    "quality": quality,
    "tuning": tuning,
    "reranking": reranking,
    "scale-filter": scale_filter,
    "chunking": chunking,
    "sentences": sentences,
    "lexical": lexical,
}


def _wrapped(line: str) -> str:
    """A line of prose in lines of at most 118 characters; a row of a table as it is."""
    if line.startswith("|"):
        return line
    return textwrap.fill(line, 118, break_long_words=False, break_on_hyphens=False)


def rewritten(text: str) -> str:
    """A page with every table between its markers made anew."""
    for name, make in TABLES.items():
        pattern = re.compile(rf"(<!-- table {name} -->\n).*?(<!-- end {name} -->)", re.S)
        if pattern.search(text):
            table = "\n".join(map(_wrapped, make().split("\n")))
            text = pattern.sub(lambda match, table=table: f"{match[1]}{table}\n{match[2]}", text)
    return text


def main() -> None:
    """Rewrite or check."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    pages = {page: page.read_text(encoding="utf-8") for page in PAGES}
    for name in TABLES:
        places = [page.name for page, text in pages.items() if f"<!-- table {name} -->" in text]
        if len(places) != 1:
            sys.exit(
                f"the table {name} stands in {' and '.join(places) or 'no page'}; it belongs into one page of docs/ or README.md"
            )
    for page, before in pages.items():
        after = rewritten(before)
        if check and after != before:
            sys.exit(
                f"the tables of {page.name} are not what tests/benchmarks/results says; run python tests/benchmarks/readme_tables.py"
            )
        if not check:
            page.write_text(after, encoding="utf-8")


if __name__ == "__main__":
    main()
