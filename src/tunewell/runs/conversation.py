"""A conversation with a trained model, turn by turn. Not for: the terminal (`tunewell.cli.chat`)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from tunewell.config import task_settings
from tunewell.core.errors import ConfigError
from tunewell.core.examples import Turn
from tunewell.models.listening import listening
from tunewell.predictor import Predictor
from tunewell.run_dir import write_text
from tunewell.tasks import task_config


class Conversation:
    """What was said so far, and who replies; `changes` are task settings that hold for this conversation.

    Raises `ConfigError` for a model that holds no conversations, and for changes that do not fit together.
    """

    def __init__(self, predictor: Predictor, changes: dict[str, Any] | None = None) -> None:
        task: Any = predictor.task
        if task.next_turn((), "") is None:
            raise ConfigError(
                f"this model is for {task.name} and holds no conversations",
                fix="train one with --task dialogue, or use tunewell predict",
            )
        if changes:
            config = task_settings({**task.config.model_dump(), **changes}, task.name, task_config)
            predictor = Predictor(
                replace(task, config=config),
                predictor.model,
                predictor.tokenizer,
                predictor.runtime,
                predictor.batch_tokens,
            )
        self._predictor = predictor
        self.turns: list[Turn] = []

    def reply(self, text: str, hear: Callable[[str], None] | None = None) -> str:
        """The reply to `text`, which joins the conversation as `text` does; `hear` is given each new piece of it."""
        turns = [*self.turns, Turn("user", text)]
        example = self._predictor.task.next_turn(turns, f"turn {len(turns)}")
        assert example is not None
        said = ""

        def follow(ids: list[int]) -> None:
            nonlocal said
            now = self._sure(self._predictor.tokenizer.decode(ids))
            if hear is not None and now.startswith(said) and not now.endswith("\N{REPLACEMENT CHARACTER}"):
                hear(now[len(said) :])
                said = now

        with listening(follow):
            (prediction,) = self._predictor.predict([example])
        reply = str(self._predictor.task.answer(prediction))
        if hear is not None and reply.startswith(said):
            hear(reply[len(said) :])
        self.turns = [*turns, Turn("assistant", reply)]
        return reply

    def _sure(self, text: str) -> str:
        """What of `text` stays, whatever comes: none of what ends a reply, nor of what may become it."""
        config: Any = self._predictor.task.config
        for stop in config.stop:
            begun = (size for size in range(len(stop) - 1, 0, -1) if text.endswith(stop[:size]))
            place = text.find(stop)
            text = text[: place if place >= 0 else len(text) - next(begun, 0)]
        return text

    def reset(self) -> None:
        """Forget what was said."""
        self.turns = []

    def save(self, path: Path) -> bool:
        """Add the conversation to a file of JSON lines, in the form that `train` reads; without empty replies.

        False where nothing else was replied, and so nothing was written.
        """
        import json

        said = zip(self.turns[::2], self.turns[1::2], strict=True)
        turns = [turn for exchange in said if exchange[1].text.strip() for turn in exchange]
        if not turns:
            return False
        messages = [{"role": turn.role, "content": turn.text} for turn in turns]
        before = path.read_text(encoding="utf-8") if path.exists() else ""
        before += "\n" if before and not before.endswith("\n") else ""
        write_text(path, before + json.dumps({"messages": messages}, ensure_ascii=False) + "\n")
        return True
