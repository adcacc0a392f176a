"""Texts with marks: every mark of the published layouts parts turns, and what only looks like one stays words."""

from __future__ import annotations

import re

import pytest

from tunewell.data.marked_turns import SPEAKER, marked_turns, transcript_turns


def turns(text: str) -> list[tuple[str | None, str]] | None:
    found = marked_turns(text)
    return None if found is None else [(turn.name, turn.text) for turn in found]


@pytest.mark.parametrize("end", [".", ")", '"', "word", "7", "。", "？", "”", "…", " ", ":", "*"])
def test_guanaco_has_no_blank_between_its_turns(end: str) -> None:
    text = f"### Human: One{end}### Assistant: Two{end}### Human: Three{end}### Assistant: Four."
    said = [f"{word}{end}".strip() for word in ("One", "Two", "Three")]
    assert turns(text) == [*zip(("human", "assistant", "human"), said, strict=True), ("assistant", "Four.")]


@pytest.mark.parametrize(
    "heading", ["### Input\nA number.", "### Output\nIts square.", "### Output: it", "### Questions to ask", "### Input: it",
                "### Humanity\nWe.", "### Systematic review\nGood.", "#### Human: no", "### Human\nbeings", "### System\nof things",
                "### Assistant\nof mine"]
)  # fmt: skip
def test_headings_of_a_reply_are_no_turns(heading: str) -> None:
    reply = f"Sure.\n\n{heading}\n\nSo it is."
    assert turns(f"### Human: Explain.\n### Assistant: {reply}") == [
        ("human", "Explain."),
        ("assistant", reply),
    ]
    if "Input" not in heading:
        alpaca = f"Below is it.\n\n### Instruction:\nExplain.\n\n### Input:\nf\n\n### Response:\n{reply}"
        assert turns(alpaca) == [("system", "Below is it."), ("user", "Explain.\nf"), ("assistant", reply)]


def test_marks_alone_on_their_lines() -> None:
    text = "### System\nBe brief.\n### User\nHi.\n### Response\nHello.\n### User\nBye.\n### Response\n"
    assert turns(text) == [
        ("system", "Be brief."),
        ("user", "Hi."),
        ("assistant", "Hello."),
        ("user", "Bye."),
    ]
    assert turns("### Human: Who?\n### Human: You?") is None
    assert turns("See ### Output and ### Input of it") is None


def test_llama_3_and_gemma() -> None:
    roles = ("system", "user", "assistant")
    llama = "".join(f"<|start_header_id|>{role}<|end_header_id|>\n\n{role} it.<|eot_id|>" for role in roles)
    said = [(role, f"{role} it.") for role in roles]
    assert turns("<|begin_of_text|>" + llama) == said
    assert turns(llama + "<|start_header_id|>user<|end_header_id|>\n\n") == said
    gemma = "".join(f"<start_of_turn>{name}\n{name} it.<end_of_turn>\n" for name in ("user", "model"))
    assert turns("<bos>" + gemma) == [("user", "user it."), ("model", "model it.")]
    assert turns(gemma + "<start_of_turn>model\n") == turns(gemma)
    assert turns("<|im_start|>user\nHi.<|im_end|>\n<|im_start|>assistant\n") == [("user", "Hi.")]


@pytest.mark.parametrize(
    ("line", "name", "said"),
    [
        ("Agent (00:01): hi", "Agent", "hi"),
        ("Agent [00:01:22]: hi", "Agent", "hi"),
        ("Agent (1:05 PM): hi", "Agent", "hi"),
        ("Ann (agent): hi", "Ann (agent)", "hi"),
        ("12/08/2023, 10:00 - Alice: hi", "Alice", "hi"),
        ("12/8/23, 9:02 pm - Alice B: hi", "Alice B", "hi"),
        ("[12/08/2023, 10:00:01] Alice: hi", "Alice", "hi"),
    ],
)
def test_times_beside_a_name(line: str, name: str, said: str) -> None:
    found = SPEAKER.match(line)
    assert found is not None
    assert (found[1].strip(), line[found.end() :]) == (name, said)


@pytest.mark.parametrize("line", ["Agent (00:01 hi", "see (one: two) here", "http://x.y", "10:02 it was"])
def test_what_is_no_name(line: str) -> None:
    assert SPEAKER.match(line) is None


def test_a_transcript_with_times() -> None:
    text = "Agent (00:01): hi\nCaller (00:02): yo\nAgent (00:03): bye"
    found = transcript_turns(text)
    assert found is not None
    assert [(turn.name, turn.text) for turn in found] == [("Agent", "hi"), ("Caller", "yo"), ("Agent", "bye")]


def test_long_lines_take_no_time() -> None:
    assert SPEAKER.match("a (b) " * 10_000) is None
    assert re.match(SPEAKER, "1" * 100_000) is None
