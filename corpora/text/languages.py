"""Which language a text is in, by the small words that every text needs.

Knows seven languages and the names of other scripts.

No model and no table of trigrams: it tells running text of some thirty words apart, and says "unknown" rather than
guess.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

UNKNOWN = "unknown"
STOP_WORDS = {
    "de": "der die und den von zu das mit sich des auf für ist im dem nicht ein eine als auch es an werden aus er hat dass sie "
    "nach wird bei einer um am sind noch wie einem über einen so zum war haben nur oder aber vor zur bis mehr durch kann",
    "en": "the of and to in is that for with as was are by be on or this not from it an which have at has were their its been "
    "can will may if when who than but they you these should after other more no such must any what",
    "es": "el la los las de del y en un una que es por para con no se su al lo como más o pero sus ha fue son este esta entre "
    "cuando muy sin sobre también hasta desde está ser dos han",
    "fr": "le la les de des du et en un une est que qui dans pour pas sur au aux par avec ce cette il elle sont ou se plus ne "
    "l d qu été être ont leur ses son sa nous vous mais comme si sans",
    "it": "il lo la gli le di del della dei delle e in un una che è per con non si da al nel nella come più sono ha anche alla "
    "dal o ma essere stato questo questa i l tra",
    "nl": "de het een van en in is dat op te zijn met voor niet aan er om ook als dan naar bij door maar uit nog wordt worden "
    "deze dit die hij zij heeft werd of over kan hun geen",
    "pt": "o a os as de do da dos das e em um uma que é por para com não se no na ao como mais ou mas foi são seu sua pelo pela "
    "também está ser tem",
}
_LANGUAGES_OF = {
    word: [language for language, stop_words in STOP_WORDS.items() if word in stop_words.split()]
    for words in STOP_WORDS.values()
    for word in words.split()
}
_READ_WORDS = 2000
_READ_CHARACTERS = 20_000
_LEAST_SHARE = 0.08  # of the words; running text has .2 to .5, lists and tables have fewer
_LEAST_WORDS = 3
_LEAD = 1.3  # over the second language: neighbours such as Spanish and Portuguese share many small words
_WORD = re.compile(r"[^\W\d_]+")


def language_of(text: str) -> str:
    """The language of a text, or the name of its script where that is not Latin.

    "en", "de", "es", "fr", "it", "nl" or "pt"; for another script its name, e.g. "cyrillic"; "unknown" where nothing
    tells.

    Reads the first 20,000 characters. A small word counts for each language that has it, in equal parts.
    """
    start = text[:_READ_CHARACTERS]
    script = _script(start)
    if script != "latin":
        return script
    words = _WORD.findall(start.casefold())[:_READ_WORDS]
    scores: dict[str, float] = {}
    hits: Counter[str] = Counter()
    for word in words:
        for language in _LANGUAGES_OF.get(word, ()):
            scores[language] = scores.get(language, 0.0) + 1 / len(_LANGUAGES_OF[word])
            hits[language] += 1
    ranked = sorted(scores, key=lambda language: (-scores[language], language))
    if not ranked or hits[ranked[0]] < _LEAST_WORDS or scores[ranked[0]] < _LEAST_SHARE * len(words):
        return UNKNOWN
    if len(ranked) > 1 and scores[ranked[0]] < _LEAD * scores[ranked[1]]:
        return UNKNOWN
    return ranked[0]


def _script(text: str) -> str:
    """The script of most letters, by their Unicode names; "unknown" without a letter.

    "latin", "cyrillic", "cjk", ...
    """
    letters = [character for character in text if character.isalpha()][:500]
    scripts = Counter(unicodedata.name(letter, UNKNOWN).split()[0].lower() for letter in letters)
    return scripts.most_common(1)[0][0] if scripts else UNKNOWN
