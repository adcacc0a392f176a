"""TMX, the exchange format of translation memories: a row is a unit, with a column for each language.

Columns are called as the file writes its languages (`xml:lang`), except that `en-us` and `en_US` join the `en-US`
that came before them; that of the header's `srclang` is first. Of a segment its text is kept. Elements that hold
codes of another format (`bpt`, `ept`, `it`, `ph`, `ut`) are left out with them, white space that holds a line break
becomes one blank, and both are counted in a note. The parser is expat, which reads UTF-8, UTF-16 and what the file
declares; entities that a document declares itself are refused, and nothing outside the file is ever read.

Not for: which column is the source (`translation_columns`).
"""

from __future__ import annotations

import re
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO
from xml.parsers import expat

from tunewell.core.examples import Origin, Row
from tunewell.data import reading as limits
from tunewell.data.findings import plural
from tunewell.data.reading import Reading

_BLOCK_BYTES = 2**16
_CODES = {"bpt", "ept", "it", "ph", "ut"}
_BROKEN = re.compile(r"\s*[\r\n]\s*")
_EXPORT = "export the memory again as TMX, or mend the file; xmllint --noout FILE tests it"


@dataclass
class _Unit:
    """A unit on its way into a row."""

    line: int
    texts: dict[str, str] = field(default_factory=dict)
    problem: tuple[str, str] | None = None


def read_rows(stream: IO[bytes], reading: Reading) -> Iterator[Row]:
    """One row a unit, at the line where the unit begins; a unit may lack languages that others have.

    Of several variants in one language the first is taken, with a note. A unit that begins on the line of another
    gets an `id`, such as `7.2`. What is no XML, or no TMX, is a `DataError` even if bad rows are dropped.
    """
    document = _Document(reading)
    while block := stream.read(_BLOCK_BYTES):
        document.feed(block)
        yield from document.finished_rows()
    document.feed(b"")
    yield from document.finished_rows()
    document.say_what_was_cleaned()


class _Document:
    """The parser's state: where in the document it is, and the rows that are complete."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._rows: deque[Row] = deque()
        self._path: list[str] = []
        self._unit: _Unit | None = None
        self._language: str | None = None
        self._segment: list[str] | None = None
        self._segment_depth = 0
        self._segment_size = 0
        self._codes_open = 0
        self._spellings: dict[str, str] = {}
        self._first_language: str | None = None
        self._counts: Counter[str] = Counter()
        self._units_on_line: Counter[int] = Counter()
        self._num_bytes = 0
        self._parser = expat.ParserCreate()
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._add_text
        self._parser.EntityDeclHandler = self._refuse_declaration
        self._parser.SkippedEntityHandler = self._refuse_unknown

    def feed(self, block: bytes) -> None:
        """Parse a block of the file; none is its end."""
        try:
            self._parser.Parse(block, not block)
        except expat.ExpatError as error:
            what = expat.ErrorString(error.code) or "it cannot be parsed"
            fix = _EXPORT
            if error.code == expat.errors.codes[expat.errors.XML_ERROR_UNKNOWN_ENCODING]:
                fix = "convert it to UTF-8, in its first line too: iconv -f ENCODING -t UTF-8 old > new"
            elif error.code == expat.errors.codes[expat.errors.XML_ERROR_UNDEFINED_ENTITY]:
                fix = "write the character itself: XML knows &amp; &lt; &gt; &quot; and &apos;"
            self._fail(f"not XML: {what}", error.lineno, error.offset + 1, fix)
        except (ValueError, LookupError) as error:  # an encoding that Python does not know either
            self._fail(f"not XML: {error}", 1, 1, "convert it to UTF-8, in its first line too")
        self._num_bytes += len(block)
        if self._num_bytes - self._parser.CurrentByteIndex > limits.MAX_LINE_BYTES:
            line = self._parser.CurrentLineNumber
            self._fail(f"a tag is longer than {limits.MAX_LINE_BYTES:,} bytes", line, None, _EXPORT)

    def finished_rows(self) -> Iterator[Row]:
        """The rows whose units have ended since the last call."""
        while self._rows:
            yield self._rows.popleft()

    def say_what_was_cleaned(self) -> None:
        """Notes on what was left out or joined."""
        said = {
            "codes": ("segment", "held codes of formatting, which were left out"),
            "breaks": ("segment", "held line breaks, each of which became one blank"),
            "variants": ("unit", "had several variants in one language, of which the first was taken"),
            "spellings": ("segment", "had its language spelt in another way than before, and joined it"),
        }
        for key, (noun, what) in said.items():
            if self._counts[key]:
                self._reading.notes.append(f"{self._reading.file}: {plural(self._counts[key], noun)} {what}")

    def _fail(self, what: str, line: int, column: int | None, fix: str) -> None:
        """Nothing can be read after this, whatever is to be done about bad rows."""
        with self._reading.header():
            self._reading.expect_aftermath(0)
            self._reading.refuse(what, line, column, fix)

    # What expat calls

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        inside = self._path[-1] if self._path else None
        self._path.append(name)
        line = self._parser.CurrentLineNumber
        if self._segment is not None:
            self._codes_open += name in _CODES
            self._counts["codes"] += name in _CODES and self._codes_open == 1
        elif inside is None:
            if name.lower() != "tmx":
                self._fail(f"the document is <{name[:40]}>, not <tmx>", line, None, "give a TMX file")
        elif name == "header":
            source = attributes.get("srclang", "")
            self._first_language = None if source.lower() in ("", "*all*") else source
        elif name == "tu" and self._unit is None:
            self._unit = _Unit(line)
        elif name == "tuv" and inside == "tu" and self._unit is not None:
            self._begin_variant(attributes.get("xml:lang") or attributes.get("lang"), line)
        elif name == "seg" and inside == "tuv" and self._unit is not None and self._language is not None:
            if self._language in self._unit.texts:
                self._counts["variants"] += 1
            else:
                self._segment, self._segment_size, self._segment_depth = [], 0, len(self._path)

    def _begin_variant(self, written: str | None, line: int) -> None:
        assert self._unit is not None
        self._language = None
        if not written:
            here = "" if line == self._unit.line else f" on line {line}"
            self._unit.problem = (f"a variant (<tuv>) without xml:lang{here}", "say its language")
            return
        key = written.casefold().replace("_", "-")
        self._language = self._spellings.setdefault(key, written)
        self._counts["spellings"] += self._language != written

    def _end(self, name: str) -> None:
        depth = len(self._path)
        self._path.pop()
        if self._segment is not None:
            if depth > self._segment_depth:
                self._codes_open -= name in _CODES
            else:
                self._end_segment("".join(self._segment))
        elif name == "tuv":
            self._language = None
        elif name == "tu" and self._unit is not None and "tu" not in self._path:
            self._end_unit(self._unit)
            self._unit = None

    def _add_text(self, text: str) -> None:
        if self._segment is None or self._codes_open:
            return
        self._segment_size += len(text)
        if self._segment_size <= limits.MAX_LINE_BYTES:
            self._segment.append(text)
        elif self._unit is not None:
            what = f"a segment is longer than {limits.MAX_LINE_BYTES:,} characters"
            self._unit.problem = (what, "cut it into sentences")

    def _refuse_declaration(self, name: str, *_: object) -> None:
        line = self._parser.CurrentLineNumber
        self._fail(f"the document declares an entity, {name[:40]!r}", line, None, "write what it stands for")

    def _refuse_unknown(self, name: str, *_: object) -> None:
        if self._segment is not None and not self._codes_open and self._unit is not None:
            where = self._parser.CurrentLineNumber
            what = f"the entity &{name[:40]}; on line {where} is not declared in the file"
            self._unit.problem = (what, "write the character itself")

    def _end_segment(self, text: str) -> None:
        assert self._unit is not None
        assert self._language is not None
        joined = _BROKEN.sub(" ", text.strip())
        self._counts["breaks"] += joined != text.strip()
        self._unit.texts[self._language] = joined
        self._segment, self._codes_open = None, 0

    def _end_unit(self, unit: _Unit) -> None:
        reading = self._reading
        self._units_on_line[unit.line] += 1
        if unit.problem is None and not unit.texts:
            unit.problem = ("a unit (<tu>) without a segment", "give it a <seg> in each language")
        if unit.problem is not None:
            what, fix = unit.problem
            reading.refuse(what, unit.line, fix=fix)
            return
        first = self._spelt(self._first_language)
        order = sorted(unit.texts, key=lambda language: language != first)
        values = {language: unit.texts[language] for language in order}
        columns = dict.fromkeys([*reading.columns, *order])
        reading.columns = tuple(sorted(columns, key=lambda language: language != first))
        place = self._units_on_line[unit.line]
        if place > 1 and "id" not in values:
            values["id"] = f"{unit.line}.{place}"
        self._rows.append(Row(values, Origin(reading.file, unit.line)))

    def _spelt(self, language: str | None) -> str | None:
        return language and self._spellings.get(language.casefold().replace("_", "-"), language)
