"""Dialogue from a file of conversations to a saved model and back, beside plain computations with transformers."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import peft
import pytest
import torch
import transformers

import tunewell
from tunewell.core.errors import ConfigError, DataError
from tunewell.core.examples import ReplyPrediction, Turn
from tunewell.data import distractors
from tunewell.models.sampling import Sampling
from tunewell.models.templates import PLAIN_TEMPLATE
from tunewell.predictor import Predictor
from tunewell.runs import Run
from tunewell.tasks.dialogue import Dialogue, DialogueConfig
from tunewell.testing import CHATML, CHATML_TOKENS, tiny_causal, tiny_translator

_TONES = {"great": "wonderful", "dull": "boring", "warm": "kind", "cold": "distant"}
_THINGS = ("film", "plot", "cast", "song", "score")
TALKS = [
    [(f"how was the {thing}?", f"it was {tone}"), ("and beside that?", f"{_TONES[tone]} it was, the {thing}")]
    for thing in _THINGS
    for tone in _TONES
]
SETTINGS: dict[str, Any] = {
    "task": {"name": "dialogue", "max_reply_tokens": 10, "num_distractors": 3},
    "training": {"batch_size": 8, "learning_rate": 0.003, "threads": 1, "device": "cpu", "max_steps": 3},
    "evaluation": {"resamples": 100, "rank_resamples": 100, "baselines": False},
}
SCRATCH = {
    "model.from_scratch": True,
    "model.hidden_size": 16,
    "model.num_layers": 1,
    "model.num_heads": 2,
    "model.vocab_size": 300,
}
CHECKPOINTS_OWN = {
    "do_sample": True,
    "temperature": 0.6,
    "top_p": 0.9,
    "repetition_penalty": 1.3,
    "max_length": 7,
}
"""How a chat model that was published is to write, which our settings take the place of."""

LORA: dict[str, Any] = {"model.lora_rank": 4}
ASKED = [[Turn("user", f"how was the {thing}?")] for thing in _THINGS]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "talks.jsonl"
    lines: list[str] = []
    for talk in TALKS * 2:
        turns = [
            (role, text) for pair in talk for role, text in zip(("user", "assistant"), pair, strict=True)
        ]
        messages = [{"role": role, "content": text} for role, text in turns]
        lines.append(json.dumps({"messages": messages[: 2 + 2 * (len(lines) % 2)]}) + "\n")
    path.write_text("".join(lines), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    words = [text for talk in TALKS for pair in talk for text in pair]
    made: dict[str, Path] = {}

    def folder(name: str) -> Path:
        if name not in made:
            path = tmp_path_factory.mktemp(name)
            if name == "gpt2":
                tiny_causal(path, "gpt2", words)
            elif name == "llama":
                tiny_causal(path, "llama", words, chat_template=CHATML, special_tokens=CHATML_TOKENS)
                transformers.GenerationConfig(**CHECKPOINTS_OWN).save_pretrained(path)
            else:
                tiny_translator(path, name, words)
            made[name] = path
        return made[name]

    return folder


def _fit(data: Path, output: Path, model: Path | None = None, **more: Any) -> Run:
    return tunewell.fit(data, model=model, output=output, settings={**SETTINGS, **more})


@pytest.fixture(scope="module")
def run(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """One that started from nothing, for tests that only look at it."""
    more: dict[str, Any] = {"training.max_steps": 20, **SCRATCH}
    return _fit(data, tmp_path_factory.mktemp("scratch") / "run", None, **more)


def _rows(run: Run) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run.path / "predictions.jsonl").read_text().splitlines()]


def _by_transformers(folder: Path, row: dict[str, Any]) -> tuple[float, int, str]:
    """Loss and number of the tokens of all replies, and the greedy last reply, by the saved folder alone."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModelForCausalLM.from_pretrained(folder).eval()
    loss, count, asked = 0.0, 0, []
    messages = row["messages"]
    ends = model.generation_config.eos_token_id
    ends = ends if isinstance(ends, list) else [ends]
    for place in range(1, len(messages), 2):
        asked = tokenizer.apply_chat_template(messages[:place], add_generation_prompt=True, return_dict=False)
        whole = tokenizer.apply_chat_template(messages[: place + 1], return_dict=False)
        end = next(place for place in range(len(asked), len(whole)) if whole[place] in ends)
        whole = whole[: end + 1]  # what a template writes after a reply's end is never asked for
        ids = torch.tensor([whole])
        labels = ids.clone()
        labels[:, : len(asked)] = -100
        with torch.inference_mode():
            mean = model(ids, labels=labels).loss
        loss += float(mean) * (len(whole) - len(asked))
        count += len(whole) - len(asked)
    prompt = torch.tensor([asked])
    ids = model.generate(prompt, attention_mask=torch.ones_like(prompt))[0, len(asked) :]
    return loss, count, tokenizer.decode(ids, skip_special_tokens=True).strip()


@pytest.mark.parametrize("family", ["gpt2", "llama", "scratch"])
def test_fit_save_reload_reply(
    family: str, folders: Callable[[str], Path], data: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Whoever loads the folder gets the same replies and the same likelihoods, with no setting of ours."""
    run = (
        request.getfixturevalue("run")
        if family == "scratch"
        else _fit(data, tmp_path / "run", folders(family))
    )
    assert (run.scores.task, run.scores.primary) == ("dialogue", "perplexity_per_token")
    rows = [row for row in _rows(run) if row["split"] == "test"]
    for row in rows[:3]:
        loss, count, reply = _by_transformers(run.path / "model", row)
        assert (row["gold_loss"], row["num_gold_tokens"]) == (pytest.approx(loss, rel=1e-4), count)
        assert row["reply"] == reply
    total = sum(row["gold_loss"] for row in rows) / sum(row["num_gold_tokens"] for row in rows)
    assert run.scores.headline.value == pytest.approx(np.exp(total), rel=1e-6)
    card = (run.path / "model/README.md").read_text()
    assert "\npipeline_tag: text-generation\n" in card, "the Hub's word"


def test_encoders_with_a_decoder_reply(folders: Callable[[str], Path], data: Path, tmp_path: Path) -> None:
    run = _fit(data, tmp_path / "run", folders("t5"))
    rows = [row for row in _rows(run) if row["split"] == "test"]
    again = tunewell.load(run.path).predict([{"messages": row["messages"]} for row in rows[:4]])
    tokenizer = transformers.AutoTokenizer.from_pretrained(run.path / "model")
    model = transformers.AutoModelForSeq2SeqLM.from_pretrained(run.path / "model").eval()
    for row, answer in zip(rows, again, strict=False):
        messages = row["messages"]
        said = "\n".join(f"{message['role']}: {message['content']}" for message in messages[:-1])
        ids = model.generate(**tokenizer(said, return_tensors="pt"))[0]
        assert row["reply"] == answer.reply == tokenizer.decode(ids, skip_special_tokens=True).strip()
        assert 1 <= row["gold_rank"] <= row["num_ranked"] == 4


@pytest.mark.parametrize(("family", "code"), [("mbart", "en_XX"), ("m2m_100", "en"), ("nllb", "eng_Latn")])
def test_families_with_languages_reply_in_the_one_they_are_told(
    family: str, code: str, folders: Callable[[str], Path], data: Path, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match="must be told") as raised:
        _fit(data, tmp_path / "none", folders(family))
    assert raised.value.where == "task.language"
    run = _fit(data, tmp_path / "run", folders(family), **{"task.language": "en"})
    rows = [row for row in _rows(run) if row["split"] == "test"]
    tokenizer = transformers.AutoTokenizer.from_pretrained(run.path / "model", src_lang=code, tgt_lang=code)
    model = transformers.AutoModelForSeq2SeqLM.from_pretrained(run.path / "model").eval()
    for row in rows[:3]:
        said = "\n".join(f"{message['role']}: {message['content']}" for message in row["messages"][:-1])
        ids = model.generate(**tokenizer(said, return_tensors="pt"))[0]
        assert row["reply"] == tokenizer.decode(ids, skip_special_tokens=True).strip()


def test_long_conversations_leave_room_for_the_reply(
    folders: Callable[[str], Path], data: Path, tmp_path: Path
) -> None:
    """GPT-2 has a place for so many tokens and no more: what it reads and what it writes share them."""
    long = tmp_path / "long.jsonl"
    rows = [json.loads(line)["messages"] for line in data.read_text().splitlines()]
    turns = [rows[n] + rows[n + 2] + [rows[n][0], {**rows[n][1], "content": "well, " * n}] for n in range(12)]
    long.write_text(
        "".join(json.dumps({"messages": messages}) + "\n" for messages in turns[1:]), encoding="utf-8"
    )
    run = _fit(long, tmp_path / "run", folders("gpt2"), task={"name": "dialogue", "num_distractors": 3})
    settings: Any = run.predictor.model.generation_config
    assert settings.max_new_tokens == 32, "half of the places at most"
    found = _rows(run)
    assert all(row["gold_rank"] <= row["num_ranked"] for row in found)
    for row, again in zip(found, run.predict([{"messages": row["messages"]} for row in found]), strict=True):
        assert row["reply"] == again.reply


def test_a_false_reply_is_not_the_true_one_cut(run: Run) -> None:
    from tunewell.tasks.replying import Prompt, false_replies, reply_ids

    tokenizer: Any = run.predictor.tokenizer
    pool = ["it was dull", "it was great", "it was great and very long", "caf\u00e9", "cafe\u0301"]
    whole = reply_ids("it was great and very long", tokenizer)
    cut = whole[: len(whole) - 3]
    drawn = false_replies(pool, Prompt(0, "a", [1], cut), tokenizer, 9)
    assert sorted(drawn) == sorted(set(pool) - {pool[2]})
    same = false_replies(pool, Prompt(0, "a", [1], reply_ids(pool[3], tokenizer)), tokenizer, 9)
    assert sorted(same) == sorted(pool[:3]), "the same letters, written in two ways"


def test_ranks_by_a_plain_computation(run: Run) -> None:
    """Mean log-probability of each candidate's tokens after the same prompt, one at a time."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(run.path / "model")
    model = transformers.AutoModelForCausalLM.from_pretrained(run.path / "model").eval()
    pool = run.predictor.task.pool  # type: ignore[attr-defined]
    ranks = []
    for row in _rows(run)[:6]:
        messages = row["messages"]
        gold, example_id = messages[-1]["content"], row.get("id", str(row["line"]))
        means = []
        for text in [gold, *distractors.draw(pool, gold, example_id, 3)]:
            asked = tokenizer.apply_chat_template(
                messages[:-1], add_generation_prompt=True, return_dict=False
            )
            whole = tokenizer.apply_chat_template(
                [*messages[:-1], {"role": "assistant", "content": text}], return_dict=False
            )
            with torch.inference_mode():
                logits = model(torch.tensor([whole])).logits[0].log_softmax(-1)
            own = range(len(asked), len(whole))
            means.append(float(np.mean([logits[place - 1, whole[place]] for place in own])))
        expected = 1 + sum(mean >= means[0] for mean in means[1:])
        assert (row["gold_rank"], row["num_ranked"]) == (expected, 4)
        ranks.append(expected)
    assert len(set(ranks)) > 1


def test_new_tokens_of_the_plain_form_are_learnt_with_adapters(
    folders: Callable[[str], Path], data: Path, tmp_path: Path
) -> None:
    """Saved, merged and loaded again it replies the same; adapter and base together give the same logits."""
    run = _fit(data, tmp_path / "run", folders("gpt2"), **LORA)
    base = transformers.AutoModelForCausalLM.from_pretrained(folders("gpt2")).eval()
    merged = transformers.AutoModelForCausalLM.from_pretrained(run.path / "model").eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(run.path / "model")
    assert tokenizer.chat_template == PLAIN_TEMPLATE
    size = base.get_input_embeddings().weight.shape[0]
    assert merged.get_input_embeddings().weight.shape[0] == len(tokenizer) == size + 5
    asked = [turns[0].text for turns in ASKED]
    answers = [answer.to_json() for answer in run.predict(asked)]
    assert answers == [answer.to_json() for answer in tunewell.load(run.path).predict(asked)]
    old = merged.get_input_embeddings().weight[:size]
    assert torch.equal(old, base.get_input_embeddings().weight), "what the base knew is as it was"
    new = merged.get_input_embeddings().weight[size:]
    assert float((new - new.mean(0)).detach().abs().max()) > 1e-3, "the new tokens have learnt"
    base.resize_token_embeddings(len(tokenizer))
    with_adapter = peft.PeftModel.from_pretrained(base, run.path / "adapter").eval()
    ids = torch.tensor([[size, 5, 6, 7, size + 3, size + 2, 8, 9]])
    with torch.inference_mode():
        assert torch.allclose(with_adapter(ids).logits, merged(ids).logits, atol=1e-4)


# Sampling


def test_draws_follow_the_distribution() -> None:
    scores = torch.log(torch.tensor([[0.5, 0.3, 0.15, 0.05]])).repeat(4000, 1)
    ids = torch.zeros(4000, 3, dtype=torch.long)
    counts = Sampling(range(4000), 3, 1.0)(ids, scores).argmax(-1).bincount(minlength=4) / 4000
    assert counts.tolist() == pytest.approx([0.5, 0.3, 0.15, 0.05], abs=0.03)
    nucleus = Sampling(range(4000), 3, 1.0, 0.7)(ids, scores).argmax(-1).bincount(minlength=4) / 4000
    assert nucleus.tolist() == pytest.approx([0.625, 0.375, 0, 0], abs=0.03)
    cold = Sampling(range(4000), 3, 0.25)(ids, scores).argmax(-1).bincount(minlength=4) / 4000
    weights = np.array([0.5, 0.3, 0.15, 0.05]) ** 4
    assert cold.tolist() == pytest.approx((weights / weights.sum()).tolist(), abs=0.03)
    tiny = Sampling(range(10), 3, 1.0, 1e-9)(ids[:10], scores[:10])
    assert tiny.argmax(-1).tolist() == [0] * 10, "one token is always left"


def test_a_draw_hangs_on_its_seed_and_place_alone() -> None:
    scores = torch.zeros(3, 50)
    together = Sampling([1, 2, 3], 4, 1.0)(torch.zeros(3, 6, dtype=torch.long), scores)
    alone = Sampling([2], 9, 1.0)(torch.zeros(1, 11, dtype=torch.long), scores[:1])
    assert torch.equal(together[1:2], alone)
    assert not torch.equal(together[0], together[1])
    later = Sampling([2], 9, 1.0)(torch.zeros(1, 12, dtype=torch.long), scores[:1])
    assert not torch.equal(later, alone)


def _replies(run: Run, batch_tokens: int, **settings: Any) -> list[ReplyPrediction]:
    """The model's replies with other settings of how they are written."""
    task: Any = run.predictor.task
    changed = DialogueConfig(**{**task.config.model_dump(), **settings})
    model, tokenizer, runtime = run.predictor.model, run.predictor.tokenizer, run.predictor.runtime
    own = Predictor(Dialogue(changed, task.pool), model, tokenizer, runtime, batch_tokens)
    asked = [task.next_turn(turns, f"turn {n}") for n, turns in enumerate(ASKED * 2)]
    return list(own.predict(asked))  # type: ignore[arg-type]


def test_drawn_replies_hang_on_nothing_else(run: Run) -> None:
    def replies(batch_tokens: int, **settings: Any) -> list[str | None]:
        return [
            prediction.reply for prediction in _replies(run, batch_tokens, **{"temperature": 2.0, **settings})
        ]

    first = replies(4096)
    assert first == replies(1) == replies(40)
    assert len(set(first)) > 3
    assert first != replies(4096, sampling_seed=1)
    assert replies(1, top_p=1e-6) == replies(4096, temperature=0.0)


def test_a_conversation_is_given_as_its_messages_a_row_or_a_text(run: Run) -> None:
    text = ASKED[0][0].text
    messages = [{"role": "user", "content": text}]
    answers = run.predict([text, messages, {"messages": messages}])
    assert len({answer.reply for answer in answers}) == 1
    with pytest.raises(ConfigError, match="one text"):
        run.predict(text)
    with pytest.raises(DataError, match="where role and content are expected"):
        run.predict([[{"role": "user"}]])


def test_a_text_to_stop_at_ends_a_reply_before_it(run: Run) -> None:
    greedy = _replies(run, 4096)
    texts = [prediction.reply or "" for prediction in greedy]
    stop = texts[0][2:4]
    assert stop.strip()
    stopped = _replies(run, 4096, stop=["never written", stop])
    for before, after in zip(greedy, stopped, strict=True):
        text = before.reply or ""
        assert after.reply == text.partition(stop)[0].rstrip()
        assert after.reached_limit is (before.reached_limit and stop not in text)
    assert len(stopped[0].reply or "") == 2


def test_how_replies_are_drawn_is_saved_with_the_model(data: Path, tmp_path: Path) -> None:
    drawn = {"task.temperature": 0.8, "task.top_p": 0.9, "task.stop": ["User:"], "training.max_steps": 1}
    run = _fit(data, tmp_path / "run", None, **SCRATCH, **drawn)
    saved = json.loads((run.path / "model/generation_config.json").read_text())
    assert (saved["do_sample"], saved["temperature"], saved["top_p"], saved["top_k"]) == (True, 0.8, 0.9, 0)
    settings = json.loads((run.path / "task.json").read_text())
    assert "User:" in json.dumps(settings)
    with pytest.raises(ConfigError, match="stop"):
        _fit(data, tmp_path / "none", None, **SCRATCH, **{"task.stop": [""]})


def test_a_reply_leaves_room_for_what_is_said_before_it(
    data: Path, folders: Callable[[str], Path], tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match="60 tokens of a reply leave 4 of the 64") as caught:
        _fit(data, tmp_path / "run", folders("gpt2"), **{"task.max_reply_tokens": 60})
    assert caught.value.fix == "--set task.max_reply_tokens=48, or less"


def test_what_is_cut_is_counted_by_conversations_also_where_a_reply_is_asked_for(
    data: Path, folders: Callable[[str], Path], tmp_path: Path
) -> None:
    """Nothing is too long to be learnt here, and prompts are, for a reply of 48 tokens is to fit behind them."""
    long = tmp_path / "long.jsonl"
    rows = [json.loads(line) for line in data.read_text().splitlines()]
    for row in rows[:12]:
        row["messages"] = [
            {"role": "user", "content": "so?"},
            {"role": "assistant", "content": "it was"},
        ] * 3 + row["messages"][:2]
    long.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    run = _fit(long, tmp_path / "run", folders("gpt2"), **{"task.max_reply_tokens": 48})
    report = " ".join(run.report_path.read_text(encoding="utf-8").split())
    assert re.search(
        r"\d+ of 33 train texts \(\d\d\.\d%\) are longer than the model reads and were cut, the oldest turns first\.",
        report,
    )


def test_perplexities_of_unlike_tokens_are_not_compared(
    run: Run, data: Path, folders: Callable[[str], Path], tmp_path: Path
) -> None:
    other = _fit(data, tmp_path / "run", folders("gpt2"))
    said = tunewell.compare([run.path, other.path]).notices
    assert "perplexity_per_token is for each token of a model's own" in said[0]
    assert "--metric perplexity_per_character" in said[0]
    by_character = tunewell.compare([run.path, other.path], metric="perplexity_per_character")
    assert not any("of a model's own" in line for line in by_character.notices)
