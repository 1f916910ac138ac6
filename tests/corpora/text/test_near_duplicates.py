"""Near-duplicates: which texts are found alike, whatever the order, and the index against a comparison of all pairs."""

import random
from collections import Counter
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpora.text.near_duplicates import (
    GRAM_CHARACTERS,
    Cluster,
    Duplicate,
    DuplicateIndex,
    find_duplicates,
    from_signatures,
    grams,
    jaccard,
    normalised,
    signature,
)

CLAUSE = (
    "The tenant shall pay the rent on the first day of each month by bank transfer to the account named in the schedule, and shall "
    "keep the premises in good repair. The landlord may enter the premises on two days' written notice to inspect their state."
)


def reference(left: str, right: str) -> float:
    """The definition, on plain strings."""
    bags = []
    for text in (left, right):
        plain = " ".join("".join(c if c.isalnum() else " " for c in text.casefold()).split())
        bags.append(Counter(plain[i : i + GRAM_CHARACTERS] for i in range(len(plain) - GRAM_CHARACTERS + 1)))
    return (bags[0] & bags[1]).total() / (bags[0] | bags[1]).total()


def similarity(left: str, right: str) -> float:
    return jaccard(grams(normalised(left)), grams(normalised(right)))


def test_a_changed_word_is_a_near_duplicate_with_its_exact_similarity() -> None:
    changed = CLAUSE.replace("first day", "third day")
    (cluster,) = find_duplicates({"b": CLAUSE, "a": changed, "c": "Quite another text about the dose of a medicine."}, 0.6)
    assert cluster.canonical == "a"  # equally long: the smaller id
    assert [member.id for member in cluster.members] == ["b"]
    assert cluster.members[0].similarity == pytest.approx(reference(CLAUSE, changed))
    assert 0.6 <= cluster.members[0].similarity < 1


def test_the_longest_text_is_canonical() -> None:
    longer = CLAUSE + " Signed in duplicate."
    assert find_duplicates({"a": CLAUSE, "b": longer}, 0.6)[0].canonical == "b"


@pytest.mark.parametrize(
    "copy",
    [CLAUSE.upper(), CLAUSE.replace(" ", "\n\t "), CLAUSE.replace(",", ";"), f"  {CLAUSE}  ", CLAUSE.replace("'", "\u2019")],
)
def test_copies_differ_in_case_space_and_punctuation_only(copy: str) -> None:
    (cluster,) = find_duplicates({"x": CLAUSE, "y": copy}, threshold=1.0)
    assert cluster.members[0].similarity == 1.0


def test_short_texts_have_copies_and_no_near_duplicates() -> None:
    texts = {"a": "Nil by mouth.", "b": "nil by MOUTH", "c": "Nil by nose.", "d": "", "e": "---", "f": ""}
    assert find_duplicates(texts, 0.1) == [Cluster("a", (Duplicate("b", 1.0),))]
    assert find_duplicates({}) == []


def test_texts_without_spaces_between_words_are_compared() -> None:
    text = "賃借人は毎月一日に賃料を銀行振込により支払うものとし賃貸人は二日前の書面による通知をもって立ち入ることができる"
    assert find_duplicates({"a": text, "b": text.replace("一日", "三日")}, 0.6)[0].canonical == "a"


def test_two_texts_like_a_third_are_in_one_cluster() -> None:
    words = [f"word{i}" for i in range(100)]
    texts = {"a": " ".join(words), "b": " ".join(words[8:] + ["x"] * 4), "c": " ".join(words[16:] + ["y"] * 10)}
    (cluster,) = find_duplicates(texts, threshold=0.85)
    assert cluster.canonical == "a"
    to_canonical = {member.id: member.similarity for member in cluster.members}
    assert to_canonical["c"] < 0.85 <= min(to_canonical["b"], reference(texts["b"], texts["c"]))


def test_the_order_of_texts_does_not_matter() -> None:
    texts = {f"t{i}": CLAUSE.replace("rent", f"rent {'x ' * (i % 4)}").replace("two", str(i % 7)) for i in range(12)}
    items = list(texts.items())
    expected = find_duplicates(texts, 0.5)
    assert expected
    for seed in range(5):
        random.Random(seed).shuffle(items)
        assert find_duplicates(dict(items), 0.5) == expected


def test_index_grows_shrinks_and_replaces() -> None:
    index = DuplicateIndex(0.5)
    index.add("a", CLAUSE)
    index.add("b", CLAUSE.lower())
    index.add("c", CLAUSE.replace("first", "third"))
    assert [id for id, _ in index.similar(CLAUSE)] == ["a", "b", "c"]
    assert [s for _, s in index.similar(CLAUSE)][:2] == [1.0, 1.0]
    index.remove("a")
    index.remove("nobody")
    assert [id for id, _ in index.similar(CLAUSE)] == ["b", "c"]
    index.add("b", "Something else altogether, on the storage of blood samples.")
    assert [id for id, _ in index.similar(CLAUSE)] == ["c"]
    index.add("c", "")
    assert index.similar(CLAUSE) == []
    assert len(index) == 1


def test_stored_signatures_give_the_same_answers() -> None:
    texts = {f"t{i}": CLAUSE.replace("first", str(i)) + " tail" * i for i in range(8)} | {"short": "Nil by mouth", "empty": ""}
    index = DuplicateIndex(0.4)
    for id, text in texts.items():
        index.add(id, text)
    requested_ids: list[str] = []

    def text_of(id: str) -> str:
        requested_ids.append(id)
        return texts[id]

    stored = from_signatures({id: signature(text) for id, text in texts.items()}, text_of, 0.4)
    for text in (CLAUSE, "nil by mouth", "nothing alike at all in this one"):
        assert stored.similar(text) == index.similar(text)
    assert requested_ids
    assert "short" not in requested_ids  # copies are known by their digest


def test_signatures_are_stable_bytes() -> None:
    assert len(signature(CLAUSE)) == 529
    assert len(signature("Nil by mouth")) == 17
    assert signature(CLAUSE) == signature(CLAUSE.upper())
    # A change of these bytes makes stored signatures unreadable: raise the version with it.
    assert signature(CLAUSE)[:17].hex() == "01a965c4c9dac252cf23d1e496bdfd22c2"
    assert signature(CLAUSE)[-8:].hex() == "6f512909c2393407"


@pytest.mark.parametrize("data", [b"", b"\x02" + bytes(528), b"\x01" + bytes(100)])
def test_foreign_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="no signature"):
        from_signatures({"a": data}, lambda id: "")


def test_signatures_alone_cannot_decide() -> None:
    with pytest.raises(ValueError, match="text_of"):
        DuplicateIndex().add_signature("a", signature(CLAUSE))


@pytest.mark.parametrize("threshold", [0.0, -0.5, 1.01])
def test_threshold_is_checked(threshold: float) -> None:
    with pytest.raises(ValueError, match="threshold"):
        DuplicateIndex(threshold)


def test_index_finds_the_pairs_that_a_full_comparison_finds() -> None:
    draw = random.Random(0)
    vocabulary = [f"w{i}" for i in range(400)]
    texts: dict[str, str] = {}
    for number in range(40):
        words = draw.choices(vocabulary, k=80)
        for copy in range(3):
            texts[f"{number}-{copy}"] = " ".join(w if draw.random() > 0.03 * copy else draw.choice(vocabulary) for w in words)
    threshold = 0.6
    expected = {pair for pair in combinations(sorted(texts), 2) if similarity(texts[pair[0]], texts[pair[1]]) >= threshold}
    assert len(expected) > 80
    index = DuplicateIndex(threshold)
    similar_pairs = set()
    for id in sorted(texts):
        similar_pairs |= {(other, id) for other, _ in index.similar(texts[id])}
        index.add(id, texts[id])
    assert similar_pairs <= expected
    assert len(similar_pairs) >= 0.98 * len(expected)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from("alpha beta gamma delta epsilon zeta".split()), max_size=30), st.randoms(use_true_random=False))
def test_similarity_is_the_definition(words: list[str], draw: random.Random) -> None:
    left, other = " ".join(words), list(words)
    if other:
        other[draw.randrange(len(other))] = "omega"
    right = " ".join(other)
    if len(left) < GRAM_CHARACTERS:
        assert similarity(left, right) == 0.0
    else:
        assert similarity(left, right) == pytest.approx(reference(left, right))
