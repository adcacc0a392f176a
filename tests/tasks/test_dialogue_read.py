"""Dialogue: what is read of a conversation, what is learnt of it, and the false replies beside the true one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tunewell.core.errors import ConfigError, DataError
from tunewell.core.examples import DialogueExample, Origin, ReplyPrediction, Row, Turn
from tunewell.data import distractors
from tunewell.tasks.dialogue import Dialogue, DialogueConfig


def _task(**settings: object) -> Dialogue:
    return Dialogue(DialogueConfig(messages="messages", **settings))  # type: ignore[arg-type]


def _row(*texts: str, line: int = 1) -> Row:
    roles = ["user", "assistant"] * len(texts)
    turns = [{"role": role, "content": text} for role, text in zip(roles, texts, strict=False)]
    return Row({"messages": turns}, Origin("f.jsonl", line))


def test_a_conversation_is_read_up_to_its_last_reply() -> None:
    example = _task(system="be brief").read(_row("hi", "hello", "bye", "so long", "and so on"))
    assert [turn.text for turn in example.turns] == ["be brief", "hi", "hello", "bye", "so long"]
    assert (example.reply, len(example.history)) == ("so long", 4)
    asked = _task().read(_row("hi", "hello", "bye"), labelled=False)
    assert (asked.reply, len(asked.history)) == (None, 3)


def test_which_turns_are_learnt() -> None:
    row = _row("one", "two", "three", "four")
    example = _task().read(row)
    for replies, places in (("assistant", [1, 3]), ("all", [1, 2, 3])):
        task = _task(replies=replies)
        assert task.read(row) == example
        assert task._wanted(example) == places
        assert [pair[1] for pair in task._pairs(example)] == [example.turns[place].text for place in places]
    assert _task()._pairs(example)[0] == ("user: one", "two")
    assert _task()._pairs(example)[1][0] == "user: one\nassistant: two\nuser: three"


def test_a_file_of_conversations_is_known() -> None:
    rows = [_row("one", "two"), _row("three", "four", line=2)]
    given = {"name": None, "messages": None}
    found = Dialogue.infer(["id", "messages"], rows, given)
    assert found is not None
    assert dict(found.settings) == {"messages": "messages"}
    reviews = [Row({"text": "a", "label": "b"}, Origin("f.csv", 2))]
    assert Dialogue.infer(["text", "label"], reviews, given) is None
    with pytest.raises(ConfigError, match="which column holds the conversation"):
        Dialogue.infer(["text", "label"], reviews, {**given, "name": "dialogue"})
    # another task's settings are no dialogue's
    assert Dialogue.infer(["messages"], rows, {**given, "question": "q"}) is None


def test_a_table_with_a_turn_a_row_is_put_together() -> None:
    rows = [
        Row({"conversation_id": str(n // 2), "speaker": "ab"[n % 2], "text": f"turn {n}"}, Origin("f.csv", n))
        for n in range(6)
    ]
    found = Dialogue.gathered(["conversation_id", "speaker", "text"], rows)
    assert found is not None
    columns, gathered = found
    assert len(gathered) == 3
    reading = Dialogue.infer(columns, gathered, {"name": "dialogue", "messages": None})
    assert reading is not None
    task = Dialogue(DialogueConfig(**reading.settings))
    assert [task.read(row).reply for row in gathered] == ["turn 1", "turn 3", "turn 5"]


def test_settings_without_effect_are_refused() -> None:
    changes: list[dict[str, Any]] = [{"top_p": 0.5}, {"sampling_seed": 3}]
    for settings in changes:
        with pytest.raises(ValueError, match="has no effect when temperature is 0"):
            DialogueConfig(**settings)
        DialogueConfig(temperature=0.7, **settings)


def test_nothing_to_learn() -> None:
    silent = DialogueExample("a", Origin("f", 1), (Turn("user", "hello?"),))
    with pytest.raises(DataError, match="there is nothing to learn"):
        _task().learn({"train": [silent]})


def test_the_pool_is_of_training_and_saved() -> None:
    examples = [_task().read(_row("hi", f"reply {n % 7}", line=n)) for n in range(30)]
    task = _task().learn({"train": examples[:20], "test": examples})
    assert sorted(task.pool) == [f"reply {n}" for n in range(7)]
    assert Dialogue.from_json(task.config, task.to_json()) == task
    assert _task(num_distractors=0).learn({"train": examples}).pool == ()


def test_a_large_pool_is_a_sample() -> None:
    replies = [f"reply {n}" for n in range(1000)]
    pool = distractors.pool(replies, 50)
    assert pool == distractors.pool(replies, 50)
    assert len(set(pool)) == 50
    assert list(pool) == sorted(pool, key=replies.index)
    assert max(replies.index(reply) for reply in pool) > 900


def test_false_replies_are_drawn_by_the_id_and_never_true() -> None:
    pool = [f"Reply {n}" for n in range(30)]
    drawn = distractors.draw(pool, " reply  3 ", "a", 9)
    assert drawn == distractors.draw(pool, "Reply 3", "a", 9)
    assert len(set(drawn)) == 9
    assert drawn != distractors.draw(pool, "Reply 3", "b", 9)
    for example_id in map(str, range(50)):
        assert "Reply 3" not in distractors.draw(pool, "REPLY 3", example_id, 29)
    assert len(distractors.draw(pool, "Reply 3", "a", 99)) == 29
    counts = np.zeros(30)
    for example_id in map(str, range(600)):
        for reply in distractors.draw(pool, "", example_id, 5):
            counts[pool.index(reply)] += 1
    assert 60 < counts.min() <= counts.max() < 145, "every one of them is drawn, 100 times or so"


def test_windows_are_summed_and_the_last_one_answers() -> None:
    example = _task().read(_row("hi", "hello", "bye", "so long"))
    outputs = [
        {"gold_loss": 2.0, "num_gold_tokens": 3, "num_gold_characters": 5},
        {
            "gold_loss": 1.5,
            "num_gold_tokens": 2,
            "num_gold_characters": 7,
            "text": "well",
            "reached_limit": True,
            "gold_rank": 2,
            "num_ranked": 4,
        },
    ]
    prediction = _task().decode(example, outputs)
    assert prediction == ReplyPrediction(
        example.id,
        "well",
        reached_limit=True,
        gold_loss=3.5,
        num_gold_tokens=5,
        num_gold_characters=12,
        gold_rank=2,
        num_ranked=4,
    )
    assert _task().read_prediction(example.id, prediction.to_json()) == prediction
    assert _task().decode(example, [{}]) == ReplyPrediction(example.id, None)


def test_scores_while_training_and_after() -> None:
    example = _task().read(_row("hi", "hello", "bye", "so long"))
    known = {"gold_loss": 5 * np.log(3), "num_gold_tokens": 5, "num_gold_characters": len("helloso long")}
    brief = ReplyPrediction(example.id, None, **known)
    scores = _task().score([example], [brief])
    assert scores.primary == "perplexity_per_token"
    assert scores.values()["perplexity_per_token"] == pytest.approx(3)
    assert "chrf2" not in scores.values()
    full = ReplyPrediction(example.id, "so long", gold_rank=1, num_ranked=4, **known)
    values = _task().score([example], [full]).values()
    assert values["perplexity_per_character"] == pytest.approx(3 ** (5 / len("helloso long")))
    assert values["recall_at_1"] == 1
    assert values["mrr"] == 1
    assert values["chrf2"] == pytest.approx(100)
