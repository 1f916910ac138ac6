"""An inspection as one HTML page that stands alone: no script, nothing fetched, every text escaped. Knows no store."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from html import escape

from corpora.splits import SPLITS
from retrieval.inspection.plots import length_histogram, topic_map
from retrieval.inspection.records import DatasetLeaks, Inspection, Judgement, Listed
from retrieval.inspection.summary import warnings_of

_MOST_ROWS = 50
_MOST_CHARACTERS = 160
_STYLE = """
:root { color-scheme: light; }
body { font: 15px/1.5 system-ui, sans-serif; color: #24292f; background: #fff; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { margin-bottom: 0; } h2 { margin-top: 2.5rem; border-bottom: 1px solid #d0d7de; }
.note { color: #57606a; }
.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); gap: .75rem; margin: 1.5rem 0; }
.facts div { border: 1px solid #d0d7de; border-radius: 6px; padding: .5rem .75rem; }
.facts b { display: block; font-size: 1.4rem; }
.good, .bad { border-left: 4px solid #2da44e; background: #f0fff4; padding: .4rem .75rem; margin: .4rem 0; }
.bad { border-color: #cf222e; background: #fff5f5; }
table { border-collapse: collapse; margin: .75rem 0; width: 100%; }
th, td { text-align: left; padding: .25rem .6rem .25rem 0; border-bottom: 1px solid #eaeef2; vertical-align: top; }
td.number { text-align: right; font-variant-numeric: tabular-nums; width: 6rem; }
td.bar { width: 40%; } td.bar i { display: block; height: .8rem; background: #1f6feb; border-radius: 2px; }
td { overflow-wrap: anywhere; }
img { max-width: 100%; }
"""


def to_html(inspection: Inspection, heading: str) -> str:
    """The inspection as an HTML page; `heading` names what was inspected."""
    sections = (
        _facts(inspection),
        _verdicts(inspection),
        _section("Formats, languages, licences", _composition(inspection)),
        _section("Lengths", _lengths(inspection)),
        _section("Topics", _topics(inspection)),
        _section("Outliers", _outliers(inspection)),
        _section("Splits", _splits(inspection)),
        _section("Leaks between splits", _leaks(inspection)),
        _section("Duplicates", _duplicates(inspection)),
        _section("Personal data", _personal_data(inspection)),
        _section("Files that could not be read", _failures(inspection)),
    )
    policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width">
<title>{escape(heading)}</title>
<style>{_STYLE}</style>
</head>
<body>
<h1>{escape(heading)}</h1>
<p class="note">Snapshot {inspection.snapshot}. It names documents and their words: treat it as confidential as they are.</p>
{"".join(sections)}
</body>
</html>
"""


def _section(title: str, body: str) -> str:
    return f"<h2>{escape(title)}</h2>\n{body}\n"


def _note(text: str) -> str:
    return f'<p class="note">{escape(text)}</p>\n'


def _verdict(good: bool, sentence: str) -> str:
    return f'<p class="{"good" if good else "bad"}">{"✓" if good else "!"} {escape(sentence)}</p>\n'


def _table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Escaped cells, fifty rows at most; numbers stand right."""
    head = "".join(f"<th>{escape(name)}</th>" for name in header)
    body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>\n" for row in rows[:_MOST_ROWS])
    remainder = _note(f"{len(rows) - _MOST_ROWS} more are in inspect.json.") if len(rows) > _MOST_ROWS else ""
    return f"<table><thead><tr>{head}</tr></thead><tbody>\n{body}</tbody></table>\n{remainder}"


def _cell(value: object) -> str:
    if isinstance(value, int):
        return f'<td class="number">{value:,}</td>'
    text = str(value)
    return f"<td>{escape(text if len(text) <= _MOST_CHARACTERS else text[:_MOST_CHARACTERS] + '…')}</td>"


def _bars(label: str, counts: Mapping[str, int]) -> str:
    largest = max(counts.values(), default=1)
    rows = "".join(
        f'<tr>{_cell(name)}{_cell(count)}<td class="bar"><i style="width:{100 * count / largest:.0f}%"></i></td></tr>\n'
        for name, count in list(counts.items())[:_MOST_ROWS]
    )
    return f"<table><thead><tr><th>{escape(label)}</th><th></th><th></th></tr></thead><tbody>\n{rows}</tbody></table>\n"


def _documents(listed: Iterable[Listed], why: str = "why") -> str:
    rows = [(item.title or "(no title)", item.collection, item.source, item.why) for item in listed]
    return _table(("document", "collection", "source", why), rows)


def _picture(data: bytes, text: str) -> str:
    return f'<img alt="{escape(text)}" src="data:image/png;base64,{base64.b64encode(data).decode("ascii")}">\n'


def _facts(inspection: Inspection) -> str:
    facts = (
        (f"{inspection.documents:,}", "documents"),
        (f"{inspection.tokens:,}", inspection.token_unit),
        (f"{inspection.words:,}", "words"),
        (f"{len(inspection.topics):,}", "topics"),
        (f"{sum(map(len, inspection.outliers.values())):,}", "outliers"),
        (f"{len(inspection.leaks):,}", "leaks"),
    )
    return '<div class="facts">' + "".join(f"<div><b>{escape(n)}</b>{escape(label)}</div>" for n, label in facts) + "</div>\n"


def _verdicts(inspection: Inspection) -> str:
    judged: tuple[Judgement, ...] = (inspection.diverse, inspection.focused)
    good = "".join(_verdict(True, judgement.sentence) for judgement in judged if judgement.enough)
    return good + "".join(_verdict(False, sentence) for sentence in warnings_of(inspection))


def _composition(inspection: Inspection) -> str:
    tables = (
        _bars("collection", inspection.collections)
        + _bars("format", inspection.formats)
        + _bars("language", inspection.languages)
        + _bars("licence", inspection.licences)
    )
    return tables + _note("Languages are told by their small words; licences are what the documents say of themselves.")


def _lengths(inspection: Inspection) -> str:
    lengths = inspection.lengths
    sentence = f"From {lengths.shortest:,} to {lengths.longest:,} words; half of the documents have {lengths.median:,} or more."
    extremes = _documents(lengths.shortest_documents, "shortest") + _documents(lengths.longest_documents, "longest")
    return f"<p>{escape(sentence)}</p>\n{_picture(length_histogram(inspection), sentence)}{extremes}"


def _topics(inspection: Inspection) -> str:
    if not inspection.topics:
        return _note("No document is indexed.")
    rows = [
        (
            number,
            ", ".join(topic.words) or "(no words)",
            topic.documents,
            f"{topic.similarity:.2f}",
            "–" if topic.cohesion is None else f"{topic.cohesion:.2f}",
            "; ".join(item.title or item.source for item in topic.typical),
        )
        for number, topic in enumerate(inspection.topics, start=1)
    ]
    apart = "" if inspection.separation is None else f" They are {inspection.separation:.2f} apart (silhouette, −1 to 1)."
    description = f"Groups of the documents' vectors by {inspection.encoder}, with the words that set each apart.{apart}"
    header = ("", "characteristic words", "documents", "like its centre", "like each other", "most typical")
    return _picture(topic_map(inspection), "The documents by topic") + _table(header, rows) + _note(description)


def _outliers(inspection: Inspection) -> str:
    sections = "".join(
        f"<h3>{escape(kind.capitalize())} ({len(listed)})</h3>\n{_documents(listed)}"
        for kind, listed in inspection.outliers.items()
        if listed
    )
    return sections or _note("None.")


def _splits(inspection: Inspection) -> str:
    rows: list[tuple[object, ...]] = [("all", *(inspection.splits[split] for split in SPLITS))]
    rows += [
        (f"collection {name}", *(counts[split] for split in SPLITS)) for name, counts in inspection.collection_splits.items()
    ]
    rows += [
        (f"topic {number}: {', '.join(topic.words[:3])}", *(topic.splits[split] for split in SPLITS))
        for number, topic in enumerate(inspection.topics, start=1)
    ]
    return _table(("documents", *SPLITS), rows) + _note(
        "By near-duplicate cluster. `generate` also puts documents into one split that a question needs together."
    )


def _leaks(inspection: Inspection) -> str:
    groups = "".join(_documents(group.documents, "split") for group in inspection.leaks[:_MOST_ROWS])
    datasets = _table(
        ("dataset", "prompts", "documents in two splits", "near-duplicates in two splits", ""),
        [(d.dataset, d.prompts, len(d.same), len(d.near), _leak_text(d)) for d in inspection.datasets],
    )
    return (groups or _note("No near-duplicates stand in two splits.")) + (datasets if inspection.datasets else "")


def _leak_text(dataset: DatasetLeaks) -> str:
    return dataset.problem or ", ".join((*dataset.same, *dataset.near)[:10])


def _duplicates(inspection: Inspection) -> str:
    groups = "".join(_documents(group.documents, "split") for group in inspection.groups[:_MOST_ROWS])
    copies = "<h3>Not indexed again</h3>\n" + _documents(inspection.copies) if inspection.copies else ""
    return (groups or _note("No near-duplicates.")) + copies


def _personal_data(inspection: Inspection) -> str:
    personal = inspection.personal_data
    sentence = (
        f"{personal.concerned} of {personal.searched} documents searched have some, out of {inspection.documents}. "
        "Found by patterns and labels; names in running text are missed. Nothing of what was found is kept here."
    )
    return _bars("kind", personal.counts) + _note(sentence)


def _failures(inspection: Inspection) -> str:
    if not inspection.failures:
        return _note("None.")
    rows = [(failure.reason, len(failure.paths), ", ".join(failure.paths[:5])) for failure in inspection.failures]
    return _table(("reason", "files", "such as"), rows)
