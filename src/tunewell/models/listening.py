"""Hearing a text while it is written, token by token. Not for: writing it (`written`)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any


class Listener:
    """What transformers hands new tokens to; `hear` is given all token ids that were written so far."""

    def __init__(self, hear: Callable[[list[int]], None]) -> None:
        self._hear = hear
        self._ids: list[int] = []
        self._given = True

    def put(self, value: Any) -> None:
        """The next token; what comes first is the text that was given."""
        if self._given:
            self._given = False
            return
        self._ids += value.flatten().tolist()
        self._hear(self._ids)

    def end(self) -> None:
        """The text has ended."""


_CURRENT: ContextVar[Listener | None] = ContextVar("listener", default=None)


@contextmanager
def listening(hear: Callable[[list[int]], None]) -> Iterator[None]:
    """Let `hear` follow what is written meanwhile: one text, and one beam."""
    token = _CURRENT.set(Listener(hear))
    try:
        yield
    finally:
        _CURRENT.reset(token)


def listener() -> Listener | None:
    """Who listens now."""
    return _CURRENT.get()
