"""Rendering of an answer for a terminal. Pure."""

from __future__ import annotations

from pathlib import Path

from raft.records import Answer, Citation


def as_text(answer: Answer) -> str:
    """An answer as text: the answer, then each quote with its title, file, page and offsets."""
    lines = [answer.answer]
    for citation in answer.citations:
        if citation.verified:
            lines += [
                f'  "{citation.quote}"',
                f"  {citation.title} ({Path(citation.source).name}, {_location(citation)})",
            ]
        else:
            lines.append(f'  NOT FOUND in the documents: "{citation.quote}"')
    if not answer.citations and not answer.abstained:
        lines.append("  (the model gave no quote: nothing here is proved)")
    return "\n".join(lines)


def _location(citation: Citation) -> str:
    span = f"{citation.start}–{citation.end}"
    return f"p. {citation.page}, {span}" if citation.page else span
