"""The trigram model: real probabilities, by hand and against a slow counter, and the ranks that follow from them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import product
from math import exp, log
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunewell.baselines.replies import NGramReplies
from tunewell.core.examples import DialogueExample, Origin, ReplyPrediction, Turn

VOCABULARY = "abcd"
ROLES: tuple[Any, Any] = ("user", "assistant")


def tokens(text: str) -> list[int]:
    return [VOCABULARY.index(character) for character in text]


def conversation(*texts: str, system: str | None = None, name: str = "1") -> DialogueExample:
    turns = [Turn("system", system)] if system is not None else []
    turns += [Turn(ROLES[place % 2], text) for place, text in enumerate(texts)]
    return DialogueExample(name, Origin("t.jsonl", 1), tuple(turns))


def fitted(replies: Sequence[str], **more: Any) -> NGramReplies:
    model = NGramReplies(tokens, len(VOCABULARY), **more)
    model.fit([conversation("a", reply) for reply in replies])
    return model


def answer(model: NGramReplies, example: DialogueExample) -> ReplyPrediction:
    (prediction,) = model.predict([example])
    assert prediction.example_id == example.id
    return prediction


SOME_REPLIES = st.lists(st.text(VOCABULARY, max_size=6), max_size=12)


@settings(deadline=None)
@given(SOME_REPLIES)
def test_the_probabilities_of_what_may_come_next_sum_to_one(replies: list[str]) -> None:
    model = fitted(replies)
    for length in range(4):
        for history in product(range(len(VOCABULARY)), repeat=length):
            chances = model.probabilities(history)
            assert len(chances) == len(VOCABULARY) + 1
            assert min(chances) > 0
            assert sum(chances) == pytest.approx(1)


def counted_slowly(replies: Sequence[str], text: str) -> list[float]:
    """The same model in words of one syllable: the probability of each token of `text`, and of its end."""
    seen = [["<", "<", *reply, ">"] for reply in replies]
    runs = [tuple(reply[place - 2 : place + 1]) for reply in seen for place in range(2, len(reply))]
    third = Counter(runs)
    second: Counter[tuple[str, ...]] = Counter()
    for run, count in third.items():
        second[run[1:]] += count if run[1] == "<" else 1
    first = Counter(run[1:] for run in second)

    def chance(run: tuple[str, ...]) -> float:
        if not run:
            return 1 / (len(VOCABULARY) + 1)
        level = (first, second, third)[len(run) - 1]
        numbers = list(level.values())
        once, twice = numbers.count(1), numbers.count(2)
        discount = min(max(once / (once + 2 * twice) if once else 0, 0.1), 0.9)
        after = {other: count for other, count in level.items() if other[:-1] == run[:-1]}
        if not after:
            return chance(run[1:])
        left = max(level[run] - discount, 0) + discount * len(after) * chance(run[1:])
        return left / sum(after.values())

    asked = ["<", "<", *text, ">"]
    return [chance(tuple(asked[place - 2 : place + 1])) for place in range(2, len(asked))]


@settings(deadline=None)
@given(SOME_REPLIES, st.text(VOCABULARY, max_size=6))
def test_the_loss_is_that_of_a_slow_counter(replies: list[str], text: str) -> None:
    found = answer(fitted(replies), conversation("b", text))
    wanted = counted_slowly(replies, text)
    assert found.gold_loss == pytest.approx(-sum(map(log, wanted)))
    assert found.num_gold_tokens == len(text) + 1


def test_the_perplexity_of_a_case_by_hand() -> None:
    """Two replies, "a" and "ab", of which `counted_slowly` knows no more than this arithmetic.

    Runs of three: `<<a` twice, `<a>` once, `<ab` once, `ab>` once. So three are seen once and one twice: of each count
    3 / 5 is taken. Runs of two: `<a` keeps its real count 2, `a>`, `ab` and `b>` have one neighbour each: again 3 / 5.
    Single tokens: `a` and `b` follow one other token, the end two: 2 / (2 + 2) = 1 / 2 of each is taken.
    """
    single = {"a": (0.5 + 1.5 / 5) / 4, "b": (0.5 + 1.5 / 5) / 4, ">": (1.5 + 1.5 / 5) / 4}
    after_begin = (1.4 + 0.6 * single["a"]) / 2
    after_a = (0.4 + 1.2 * single["b"]) / 2
    after_b = 0.4 + 0.6 * single[">"]
    first = (1.4 + 0.6 * after_begin) / 2
    second = (0.4 + 1.2 * after_a) / 2
    third = 0.4 + 0.6 * after_b
    found = answer(fitted(["a", "ab"]), conversation("c", "ab"))
    assert found.num_gold_tokens == 3
    assert found.gold_loss is not None
    assert exp(found.gold_loss / 3) == pytest.approx((first * second * third) ** (-1 / 3))


def test_text_like_that_of_training_is_likelier_than_by_chance_and_the_order_counts() -> None:
    replies = ["abcd" * (1 + place % 3) for place in range(20)]
    model = fitted(replies)
    uniform = log(len(VOCABULARY) + 1)

    def mean(text: str) -> float:
        found = answer(model, conversation("a", text))
        assert found.gold_loss is not None
        assert found.num_gold_tokens is not None
        return found.gold_loss / found.num_gold_tokens

    assert mean("abcdabcd") < 0.5 * uniform
    assert mean("abcdabcd") < mean("abdcabdc")
    assert mean("dddd") > uniform


def test_unseen_tokens_have_a_chance_and_nothing_seen_makes_all_alike() -> None:
    assert min(fitted(["aab"]).probabilities(tokens("dc"))) > 0
    assert fitted([]).probabilities([]) == pytest.approx([0.2] * 5)
    found = answer(fitted([]), conversation("a", "bc"))
    assert found.reply == ""
    assert found.gold_loss == pytest.approx(3 * log(5))


def test_an_empty_reply_is_its_end_alone() -> None:
    model = fitted(["", "", "ab"])
    found = answer(model, conversation("a", ""))
    assert found.num_gold_tokens == 1
    assert found.gold_loss == pytest.approx(-log(model.probabilities([])[-1]))
    assert found.reply == ""
    assert model.probabilities([])[-1] > 0.5


def test_the_most_frequent_reply_is_given_and_the_first_of_equals() -> None:
    assert answer(fitted(["b", "a", "a", "b", "c"]), conversation("a")).reply == "b"


def test_all_replies_of_a_conversation_are_summed() -> None:
    model = fitted(["ab", "cd"])
    one, two = (answer(model, conversation("a", text)) for text in ("ab", "dd"))
    both = answer(model, conversation("a", "ab", "c", "dd", system="abc"))
    assert one.gold_loss is not None
    assert two.gold_loss is not None
    assert both.gold_loss == pytest.approx(one.gold_loss + two.gold_loss)
    assert both.num_gold_tokens == 6


def test_without_roles_every_turn_but_the_first_is_a_reply() -> None:
    model = NGramReplies(tokens, len(VOCABULARY), replies="all")
    model.fit([conversation("a", "b", "cc", system="d"), conversation("a", "cc")])
    found = answer(model, conversation("dddd", "b", "cc", system="d"))
    assert found.reply == "cc"
    assert found.num_gold_tokens == 2 + 3
    assert answer(fitted(["b", "cc"]), conversation("dddd", "b", "cc")).num_gold_tokens == 2


def test_a_request_has_no_gold_reply() -> None:
    model = fitted(["ab"], candidates=lambda _: ["ab"])
    found = answer(model, conversation("a"))
    assert (found.reply, found.gold_loss, found.num_gold_tokens, found.gold_rank) == ("ab", None, None, None)
    again = answer(model, conversation("a", "ab", "c"))
    assert again.num_gold_tokens == 3
    assert again.gold_rank is None


@pytest.mark.parametrize(
    ("gold", "others", "rank"),
    [
        ("ab", ["dd", "dc"], 1),
        ("dd", ["ab", "dc"], 3),
        ("dd", ["ab"], 2),
        ("ab", ["ab", "dd"], 2),
        # Longer, and so less likely as a whole, but likelier by token
        ("ababab", ["dd"], 1),
    ],
)
def test_the_gold_reply_is_ranked_by_the_mean_of_its_tokens(gold: str, others: list[str], rank: int) -> None:
    model = fitted(["ab", "abab", "ababab"], candidates=lambda _: others)
    found = answer(model, conversation("c", gold))
    assert (found.gold_rank, found.num_ranked) == (rank, len(others) + 1)
    assert answer(fitted(["ab"]), conversation("c", gold)).gold_rank is None


def test_the_same_data_give_the_same_answers() -> None:
    asked = [conversation("a", text, name=text) for text in ("ab", "", "dcba")]
    model = fitted(["abc", "bcd", ""], candidates=lambda example: [example.id + "a", "d"])
    again = fitted(["abc", "bcd", ""], candidates=lambda example: [example.id + "a", "d"])
    assert model.predict(asked) == again.predict(asked) == model.predict(asked)
    assert [answer(model, example) for example in asked] == model.predict(asked)
