"""Models that reply in a conversation: how turns become tokens, which of these are learnt, and where a reply is asked for.

A causal model reads a conversation as one text. Its tokenizer's own chat template writes it, in the sandboxed environment
of transformers, where it has one; else the plain form does, which is the template `PLAIN_TEMPLATE` and is saved with
the tokenizer:

    <|user|>Is it open?<|end|><|assistant|>Until five.<|end|>

An encoder with a decoder reads what was said and writes the reply; `translators` has its tokenizer. Not for:
computing (`written`) or cutting long conversations into windows (the task).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import transformers
from torch import nn

from tunewell.core.errors import ConfigError, ModelError
from tunewell.core.examples import Turn
from tunewell.models.lengths import longest_of, with_room
from tunewell.models.scratch import learn_tokenizer, new_talker
from tunewell.models.search import settle_search
from tunewell.models.templates import PLAIN_TEMPLATE, leaves_out_first_reply, render, settle_template
from tunewell.models.tokenizer import Tokenizer

if TYPE_CHECKING:
    from tunewell.models.loading import ModelLoader

ROLE_TOKENS = {"system": "<|system|>", "user": "<|user|>", "assistant": "<|assistant|>"}
"""What begins a turn in the plain form."""

END_TOKEN, PAD_TOKEN = "<|end|>", "<|pad|>"
"""What ends a turn in the plain form, and what fills a batch."""

_WORD_JOINER = "\u2060"


@dataclass(frozen=True)
class Written:
    """A conversation as tokens. `spans` holds, for each turn that is asked for, the half-open span of its tokens, end included."""

    ids: list[int]
    spans: dict[int, tuple[int, int]]


class ChatTokenizer(Tokenizer):
    """Writes conversations as token ids.

    `most_reply_tokens` is how long a reply the model may write; None where only the saved model knows, till `talker` looks.
    """

    def __init__(self, tokenizer: Any, max_length_tokens: int, new_token_ids: Sequence[int] = ()) -> None:
        super().__init__(tokenizer, max_length_tokens)
        self.new_token_ids = tuple(new_token_ids)
        self.most_reply_tokens: int | None = None
        self.is_plain = tokenizer.chat_template == PLAIN_TEMPLATE
        if self.is_plain:
            names = {*ROLE_TOKENS.values(), END_TOKEN}
            self._ids = {name: int(tokenizer.convert_tokens_to_ids(name)) for name in names}

    @property
    def most_prompt_tokens(self) -> int:
        """How many tokens may be given when a reply is asked for, so that the longest one still fits."""
        return max(1, self.max_length_tokens - (self.most_reply_tokens or self.max_length_tokens // 2))

    def conversation(self, turns: Sequence[Turn], wanted: Collection[int] = ()) -> Written:
        """All of `turns`; the spans of those whose places are `wanted`.

        Raises `ModelError` when the chat template refuses these turns, or does not show where a wanted one begins.
        """
        return self._plain(turns, wanted) if self.is_plain else self._rendered(turns, wanted)

    def prompt(self, turns: Sequence[Turn]) -> list[int]:
        """All of `turns`, and the beginning of the assistant's reply to them."""
        if self.is_plain:
            return [*self._plain(turns, ()).ids, self._ids[ROLE_TOKENS["assistant"]]]
        return self.pieces(self._render(turns, reply=True)).ids

    def is_cut(self, ids: Sequence[int]) -> bool:
        """Whether what the model wrote was ended by the greatest length, and not by an end token."""
        return not ids or ids[-1] not in self.end_ids

    def reply_ids(self, text: str) -> list[int]:
        """The tokens of a reply, its end included."""
        written = self.conversation([Turn("user", "a"), Turn("assistant", text)], [1])
        return written.ids[slice(*written.spans[1])]

    @cached_property
    def end_ids(self) -> list[int]:
        """The tokens that end a reply."""
        if self.is_plain:
            return [self._ids[END_TOKEN]]
        ends = {self.hf.eos_token_id} - {None}
        written = self.pieces(self._render([Turn("user", "a"), Turn("assistant", "a")])).ids
        marks = {self.hf.convert_tokens_to_ids(mark) for mark in self._marks}
        return sorted(ends | {token for token in written[-2:] if token in marks})

    @cached_property
    def leaves_out_first_reply(self) -> bool:
        """Whether what the assistant says before the user does is left out, for the template refuses it."""
        return not self.is_plain and leaves_out_first_reply(self.hf)

    @cached_property
    def keeps_earlier(self) -> bool:
        """Whether a reply is written alike when more is said after it, which some templates do not do."""
        short = [Turn("user", "a"), Turn("assistant", "a")]
        return self.is_plain or self._render([*short, *short]).startswith(self._render(short))

    def check_template(self) -> None:
        """Raise `ModelError` for a chat template that cannot be learnt from: it must show where a reply begins and ends."""
        if not set(self.reply_ids("a")[-1:]) & set(self.end_ids):
            raise ModelError(
                "the model's chat template ends a reply with no token that stands for its end, so that a model could not stop",
                where="chat_template",
                fix="use another model; or take the template out of the tokenizer's files, and the plain form is used",
            )

    def _plain(self, turns: Sequence[Turn], wanted: Collection[int]) -> Written:
        ids: list[int] = []
        spans = {}
        for place, turn in enumerate(turns):
            ids.append(self._ids[ROLE_TOKENS[turn.role]])
            start = len(ids)
            ids += [*self._said(turn.text.strip()), self._ids[END_TOKEN]]
            if place in wanted:
                spans[place] = (start, len(ids))
        return Written(ids, spans)

    def _said(self, text: str) -> list[int]:
        """A turn's tokens. What looks like a mark of the form is spelt, so that nobody can speak for somebody else."""
        if not self.hf.is_fast or not any(mark in text for mark in self._marks):
            return self.pieces(text).ids
        backend = self.hf.backend_tokenizer
        backend.encode_special_tokens = True
        try:
            return self.pieces(text).ids
        finally:
            backend.encode_special_tokens = False

    @cached_property
    def _marks(self) -> list[str]:
        """What is read as one token when it is typed."""
        added = (str(token) for token in self.hf.added_tokens_decoder.values() if token.special)
        return sorted({token for token in (*self.hf.all_special_tokens, *added) if len(token) > 1})

    def _unmarked(self, text: str) -> str:
        """A turn for a template, which writes marks as text: what looks like one is broken by a word joiner."""
        for mark in self._marks:
            if mark in text:
                text = text.replace(mark, f"{mark[0]}{_WORD_JOINER}{mark[1:]}")
        return text

    def _rendered(self, turns: Sequence[Turn], wanted: Collection[int]) -> Written:
        """By the template: a reply is what it adds to the prompt that asks for it, up to the token that ends it."""
        whole = self._render(turns)
        pieces = self.pieces(whole)
        spans = {}
        for place in wanted:
            prompt, so_far = self._render(turns[:place], reply=True), self._render(turns[: place + 1])
            is_shown = whole.startswith(prompt) and whole.startswith(so_far)
            own = [
                index
                for index, (first, last) in enumerate(pieces.offsets)
                if last > max(first, len(prompt)) and last <= len(so_far)
            ]
            if turns[place].role != "assistant" or not is_shown or not own:
                raise _unshown(place, turns[place])
            ends = [index for index in own[-2:] if pieces.ids[index] in self.end_ids]
            spans[place] = (own[0], (ends or own[-1:])[0] + 1)
        return Written(pieces.ids, spans)

    def _render(self, turns: Sequence[Turn], *, reply: bool = False) -> str:
        messages = [{"role": turn.role, "content": self._unmarked(turn.text)} for turn in turns]
        return render(self.hf, messages, reply=reply)


def _unshown(place: int, turn: Turn) -> ModelError:
    fix = "use another model; or take the template out of the tokenizer's files, and the plain form is used"
    if turn.role != "assistant":
        fix = "learn the assistant's turns alone (--set task.replies=assistant), or use another model"
    return ModelError(
        f"the model's chat template does not show where turn {place + 1}, by {turn.role}, begins",
        where="chat_template",
        fix=fix,
    )


def chat_tokenizer(
    loader: ModelLoader,
    texts: Sequence[str],
    replies: Sequence[str],
    wanted_tokens: int = 0,
    max_reply_tokens: int | None = None,
) -> ChatTokenizer:
    """The tokenizer of conversations; `texts` are those of training, `replies` the ones among them that are learnt.

    Both are empty for a model that was saved by tunewell. `wanted_tokens` is how many are to be read where the model can
    and that is more than usual, `max_reply_tokens` how many it may write; when absent, a fifth more than the longest of
    `replies`. A tokenizer without a chat template gets the plain form, and the tokens that it needs. Raises
    `ConfigError` for replies that leave no room for what is said before them.
    """
    new_token_ids: list[int] = []
    if loader.scratch is not None:
        hf = learn_tokenizer(texts, loader.scratch.vocab_size, [*ROLE_TOKENS.values(), END_TOKEN])
        hf.chat_template = PLAIN_TEMPLATE
        hf.eos_token = END_TOKEN
        length = hf.model_max_length
    else:
        if loader.config().is_encoder_decoder:
            raise ModelError("is an encoder with a decoder", where=loader.name)
        found = loader.tokenizer(wanted_tokens)
        hf, length = found.hf, found.max_length_tokens
        if not hf.chat_template:
            new_token_ids = _give_plain_form(hf)
            loader.notes.append(
                f"the model has no chat template; the plain form is used, with {len(new_token_ids)} new tokens"
            )
        elif hf.chat_template != PLAIN_TEMPLATE:
            loader.notes += settle_template(hf, replies)
    made = ChatTokenizer(hf, length, new_token_ids)
    if not made.is_plain:
        made.check_template()
    if max_reply_tokens is not None:
        made.most_reply_tokens = _with_room_before(max_reply_tokens, length)
    elif replies:
        longest = longest_of(replies, lambda text: len(made.pieces(text).ids)) + 1
        made.most_reply_tokens = min(with_room(longest), length // 2)
    loader.made_tokenizer = made
    return made


def _with_room_before(wanted: int, length: int) -> int:
    most = length * 3 // 4
    if wanted > most:
        raise ConfigError(
            f"{wanted} tokens of a reply leave {max(0, length - wanted)} of the {length} that the model reads for what is "
            "said before it",
            where="task.max_reply_tokens",
            fix=f"--set task.max_reply_tokens={most}, or less",
        )
    return wanted


def _give_plain_form(hf: Any) -> list[int]:
    """Add the plain form and its tokens; the ids of those that are new to the model's embedding."""
    before = len(hf)
    hf.add_special_tokens(
        {"additional_special_tokens": [*ROLE_TOKENS.values(), END_TOKEN, PAD_TOKEN]},
        replace_extra_special_tokens=False,
    )
    hf.pad_token = PAD_TOKEN
    hf.chat_template = PLAIN_TEMPLATE
    return list(range(before, len(hf)))


def talker(loader: ModelLoader, search: Mapping[str, Any]) -> nn.Module:
    """The causal model, ready to be computed; its `generation_config` says how a reply ends and how long it may be.

    `search` is how it is looked for, in the words of the same, where the model is saved.

    `chat_tokenizer` must have been asked before.
    """
    made = loader.made_tokenizer
    assert isinstance(made, ChatTokenizer)
    if loader.scratch is not None:
        model: Any = loader.new(lambda sizes: new_talker(sizes, made.hf))
    else:
        config = loader.config()
        model = loader.load(transformers.AutoModelForCausalLM, config)
    if len(made) > model.get_input_embeddings().weight.shape[0]:
        model.resize_token_embeddings(len(made), mean_resizing=True)
    model.config.get_text_config().pad_token_id = made.pad_token_id
    settings = model.generation_config
    settings.pad_token_id = made.pad_token_id
    settings.eos_token_id = made.end_ids
    if made.most_reply_tokens is None:
        made.most_reply_tokens = settings.max_new_tokens or made.max_length_tokens // 2
    settings.max_new_tokens = made.most_reply_tokens
    settle_search(model, search)
    return loader.ready(model, new_token_ids=made.new_token_ids)
