"""Open a file for reading once: regular files only, hashed as the bytes go by, gzip undone with a guard.

Not for: decoding text (`lines`) or understanding a format. Nothing here holds a file in memory.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import stat
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any

from tunewell.core.errors import DataError

MAX_DECOMPRESSED_BYTES = 8 * 2**30
"""A compressed file may grow to 8 GiB at most."""

BOMB_BYTES = 2**30
BOMB_RATIO = 200
"""Above 1 GiB, growth of more than 200 to 1 is taken for a decompression bomb: text reaches 5 to 20 to 1."""

_BLOCK_BYTES = 2**18


class _Hashed(io.RawIOBase):
    """The raw bytes of a file, hashed and counted on their way."""

    def __init__(self, raw: io.FileIO) -> None:
        self._raw = raw
        self.sha256 = hashlib.sha256()
        self.num_bytes = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        count = self._raw.readinto(buffer) or 0
        self.sha256.update(memoryview(buffer)[:count])
        self.num_bytes += count
        return count


class _Decompressed(io.RawIOBase):
    """The content of a gzip file; damage and bombs become `DataError`."""

    def __init__(self, hashed: _Hashed, name: str) -> None:
        self._hashed = hashed
        self._name = name
        self._gzip = gzip.GzipFile(fileobj=io.BufferedReader(hashed, _BLOCK_BYTES), mode="rb")
        self._num_bytes = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            block = self._gzip.read(len(buffer))
        except EOFError:
            raise self._damaged("ends early") from None
        except (zlib.error, gzip.BadGzipFile) as error:
            what = (
                "is not gzip"
                if str(error).startswith("Not a gzip") and not self._num_bytes
                else f"is damaged ({error})"
            )
            raise self._damaged(what) from None
        self._num_bytes += len(block)
        self._guard()
        buffer[: len(block)] = block
        return len(block)

    def _damaged(self, what: str) -> DataError:
        return DataError(
            f"the compressed file {what}, after {self._num_bytes} bytes of content",
            where=self._name,
            fix=f"fetch or compress it again; `gzip -t {self._name}` tests it",
        )

    def _guard(self) -> None:
        ratio = self._num_bytes / max(1, self._hashed.num_bytes)
        if self._num_bytes > MAX_DECOMPRESSED_BYTES or (self._num_bytes > BOMB_BYTES and ratio > BOMB_RATIO):
            raise DataError(
                f"the compressed file grows beyond {self._num_bytes:,} bytes ({ratio:.0f} to 1): refused as a "
                "decompression bomb",
                where=self._name,
                fix="decompress it yourself if you trust it, and give the plain file",
            )


@dataclass
class OpenFile:
    """A file being read: `stream` gives its content (decompressed)."""

    name: str
    stream: IO[bytes]
    _hashed: _Hashed

    def fingerprint(self) -> str:
        """SHA-256 (hex) of all raw bytes; what was not read yet is read now, without decompressing it."""
        while self._hashed.readinto(memoryview(bytearray(_BLOCK_BYTES))):
            pass
        return self._hashed.sha256.hexdigest()

    def read_all(self, max_bytes: int, fix: str) -> bytes:
        """The whole content; raises `DataError` as soon as it exceeds `max_bytes`."""
        blocks: list[bytes] = []
        total = 0
        while block := self.stream.read(2**20):
            total += len(block)
            if total > max_bytes:
                raise DataError(f"more than {max_bytes:,} bytes", where=self.name, fix=fix)
            blocks.append(block)
        return b"".join(blocks)


@contextmanager
def opened(name: str) -> Iterator[OpenFile]:
    """Open the regular file `name` (symbolic links are followed), decompressing it when it ends in `.gz`.

    Raises `DataError` for a folder, a FIFO, a device, a socket, a file that may not be read, and for a
    compressed file under a plain name.
    """
    try:
        # O_NONBLOCK: opening a FIFO that nobody writes to would wait for ever.
        descriptor = os.open(name, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise DataError(
            f"cannot be opened: {reason}", where=name, fix="check the path and its rights"
        ) from None
    with open(descriptor, "rb", buffering=0) as raw:
        mode = os.fstat(descriptor).st_mode
        if not stat.S_ISREG(mode):
            raise DataError(
                f"is {_kind(mode)}, not a regular file", where=name, fix="copy the data to a file"
            )
        hashed = _Hashed(raw)
        content: io.RawIOBase = _Decompressed(hashed, name) if name.lower().endswith(".gz") else hashed
        stream = io.BufferedReader(content, _BLOCK_BYTES)
        try:
            if content is hashed:
                _refuse_archive(stream.peek(4)[:4], name)
            yield OpenFile(name, stream, hashed)
        except OSError as error:  # EIO and the like, in the middle of the file
            raise DataError(f"cannot be read: {error.strerror or error}", where=name) from None


def _kind(mode: int) -> str:
    kinds = {stat.S_IFDIR: "a folder", stat.S_IFIFO: "a FIFO (named pipe)", stat.S_IFSOCK: "a socket"}
    return kinds.get(stat.S_IFMT(mode), "a device")


def _refuse_archive(magic: bytes, name: str) -> None:
    if magic[:2] == b"\x1f\x8b":
        raise DataError("is gzip-compressed under a plain name", where=name, fix=f"rename it to {name}.gz")
    if magic == b"PK\x03\x04":
        raise DataError(
            "is a ZIP archive or an Excel workbook",
            where=name,
            fix="unpack it, or save the sheet as CSV (UTF-8)",
        )
