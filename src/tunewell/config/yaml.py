"""YAML as version 1.2 reads it: `3e-5` is a number, `no` is a word, keys do not repeat, no aliases.

PyYAML follows version 1.1, where `no` is false, `3e-5` a word and `012` octal; its loader and dumper get
the 1.2 core schema here, both, so that what is written reads back as the same value.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

from tunewell.core.errors import ConfigError

MAX_DEPTH = 20

_CORE_SCHEMA = (
    ("tag:yaml.org,2002:null", re.compile(r"^(?:~|null|Null|NULL|)$"), ["~", "n", "N", ""]),
    ("tag:yaml.org,2002:bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")),
    ("tag:yaml.org,2002:int", re.compile(r"^[-+]?[0-9]+$"), list("-+0123456789")),
    (
        "tag:yaml.org,2002:float",
        re.compile(
            r"^(?:[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$"
        ),
        list("-+.0123456789"),
    ),
)


class _Loader(yaml.SafeLoader):
    yaml_implicit_resolvers: dict[str, list[Any]] = {}  # noqa: RUF012 - PyYAML copies it

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.MarkedYAMLError(problem="aliases (`*name`) are not read", problem_mark=mark)
        if self._depth > MAX_DEPTH:
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.MarkedYAMLError(problem=f"nested deeper than {MAX_DEPTH} levels", problem_mark=mark)
        self._depth += 1
        try:
            return super().compose_node(parent, index)
        finally:
            self._depth -= 1

    _depth = 0

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            if key_node.value in seen:
                raise yaml.MarkedYAMLError(
                    problem=f"key {key_node.value!r} stands twice", problem_mark=key_node.start_mark
                )
            if isinstance(key_node.value, str):
                seen.add(key_node.value)
        return super().construct_mapping(node, deep=deep)


class _Dumper(yaml.SafeDumper):
    yaml_implicit_resolvers: dict[str, list[Any]] = {}  # noqa: RUF012 - PyYAML copies it

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _int(loader: Any, node: Any) -> int:
    return int(node.value)  # the 1.1 constructor would read 012 as octal


def _float(loader: Any, node: Any) -> float:
    return float(node.value.replace(".inf", "inf").replace(".nan", "nan").replace(".Inf", "inf"))


for _tag, _pattern, _first in _CORE_SCHEMA:
    _Loader.add_implicit_resolver(_tag, _pattern, _first)
    _Dumper.add_implicit_resolver(_tag, _pattern, _first)
_Loader.add_constructor("tag:yaml.org,2002:int", _int)
_Loader.add_constructor("tag:yaml.org,2002:float", _float)


def parse(text: str, where: str) -> Any:
    """The value that `text` holds; raises `ConfigError` with `where:line:column`."""
    try:
        return yaml.load(text, Loader=_Loader)  # a SafeLoader with other number rules
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{where}:{mark.line + 1}:{mark.column + 1}" if mark else where
        raise ConfigError(
            f"not valid YAML: {getattr(error, 'problem', None) or error}", where=place
        ) from None
    except (RecursionError, ValueError) as error:
        raise ConfigError(f"not valid YAML: {error}", where=where) from None


def dump(value: Any) -> str:
    """`value` as YAML that `parse` reads back to the same value; keys keep their order."""
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)
