"""Documents that are unlike the rest of their collection, each with the reason.

Says nothing of what is to become of them.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from corpora.records import Document
from corpora.text.languages import UNKNOWN
from retrieval.inspection.material import Material
from retrieval.inspection.records import Listed, listed
from retrieval.inspection.topics import Topics, least_similarity

FAR, SHORT, NOT_TEXT, LANGUAGE = "far from every topic", "very short", "mostly not text", "another language"
SHORT_WORDS = 20
LEAST_LETTERS = 0.5  # of what is not white space
MAIN_LANGUAGE = 0.8  # of a collection's documents, before the others are the exception


def find_outliers(
    material: Material, words: Mapping[str, int], languages: Mapping[str, str], topics: Topics | None
) -> dict[str, tuple[Listed, ...]]:
    """The outliers by kind, in the order of the constants; a document that is a copy of another one is in none."""
    indexed = [document for document in material.documents if document.id not in material.copy_of]
    similarity = dict(zip(material.vector_ids, topics.similarity, strict=True)) if topics else {}
    least = least_similarity(list(similarity.values()))
    main = _main_languages(indexed, languages)
    outliers: dict[str, list[Listed]] = {FAR: [], SHORT: [], NOT_TEXT: [], LANGUAGE: []}
    for document in indexed:
        letters = _letters(document.text)
        language = languages[document.id]
        if similarity.get(document.id, 1.0) < least:
            outliers[FAR].append(
                listed(document, f"{similarity[document.id]:.2f} like the nearest topic; usual is {least:.2f} up")
            )
        if words[document.id] < SHORT_WORDS:
            outliers[SHORT].append(listed(document, f"{words[document.id]} words"))
        if letters < LEAST_LETTERS:
            outliers[NOT_TEXT].append(listed(document, f"{letters:.0%} letters"))
        if language != UNKNOWN and main.get(document.collection, language) != language:
            outliers[LANGUAGE].append(listed(document, f"{language}, the collection is in {main[document.collection]}"))
    return {kind: tuple(documents) for kind, documents in outliers.items()}


def _main_languages(documents: Sequence[Document], languages: Mapping[str, str]) -> dict[str, str]:
    """Collection → the language that nearly all of its documents are in; none for a collection of several."""
    language_counts: dict[str, Counter[str]] = defaultdict(Counter)
    for document in documents:
        if languages[document.id] != UNKNOWN:
            language_counts[document.collection][languages[document.id]] += 1
    first = {name: counter.most_common(1)[0] for name, counter in language_counts.items()}
    return {name: language for name, (language, n) in first.items() if n >= MAIN_LANGUAGE * language_counts[name].total()}


def _letters(text: str) -> float:
    visible = len("".join(text.split()))
    return sum(map(str.isalpha, text)) / visible if visible else 0.0
