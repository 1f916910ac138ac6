"""The terms of a query for the lexical index.

The index itself lives in the corpus store, so that it commits with the documents.
"""

from __future__ import annotations

import re

from corpora.text.identifiers import identifier_terms

_QUOTED = re.compile(r'"([^"]+)"')
_TERM = re.compile(r"\w+", re.UNICODE)
_STOP = frozenset(
    (
        "a an and are as at be by can could do does did for from had has have he her him his how i if in into is it its may me my no not "
        "of on or our shall she should so that the their them they this to us was we were what when where which who whom whose why "
        "will with would you your"
    ).split()
)


def query_terms(query: str) -> list[str]:
    """The terms of a query, each once: quoted phrases, words and identifiers; stop words only where nothing else is
    left.
    """
    phrases = [" ".join(_TERM.findall(phrase)) for phrase in _QUOTED.findall(query)]
    words = [word.lower() for word in _TERM.findall(_QUOTED.sub(" ", query))]
    content = [word for word in words if word not in _STOP] or words
    identifiers = [term for term in identifier_terms(query) if term not in _STOP]
    return list(dict.fromkeys([phrase for phrase in phrases if phrase] + content + identifiers))


def match_expression(query: str) -> str | None:
    """An FTS5 MATCH expression that any term of the query meets; None when there is no term."""
    return " OR ".join(f'"{term}"' for term in query_terms(query)) or None
