"""YAML as version 1.2 reads it: `3e-5` is a number, `no` is a word, keys do not repeat, no aliases.

PyYAML follows version 1.1, where `no` is false, `3e-5` a word and `012` octal; its loader and dumper get
the 1.2 core schema here, both, so that what is written reads back as the same value.
"""

from __future__ import annotations

import re
from typing import Any, ClassVar

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


def _error(what: str, mark: Any, fix: str) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=what, problem_mark=mark, note=fix)


class _Loader(yaml.SafeLoader):
    yaml_constructors: ClassVar[dict[str | None, Any]] = {}  # filled below: no tag makes anything else
    yaml_implicit_resolvers: dict[str, list[Any]] = {}  # noqa: RUF012 - PyYAML copies it

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise _error("aliases (`*name`) are not read", mark, "write the value itself there")
        if self._depth > MAX_DEPTH:
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise _error(f"nested deeper than {MAX_DEPTH} levels", mark, "a run file needs three")
        self._depth += 1
        try:
            return super().compose_node(parent, index)
        finally:
            self._depth -= 1

    _depth = 0

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        seen: set[str] = set()
        for key_node, _ in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                raise _error("a key must be one word", key_node.start_mark, "write `key: value`")
            if key_node.value in seen:
                raise _error(f"key {key_node.value!r} stands twice", key_node.start_mark, "keep one of them")
            seen.add(key_node.value)
        return super().construct_mapping(node, deep=deep)


class _Dumper(yaml.SafeDumper):
    yaml_implicit_resolvers: dict[str, list[Any]] = {}  # noqa: RUF012 - PyYAML copies it

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _written_text(dumper: Any, value: str) -> Any:
    """PyYAML loses Unicode's own line breaks in every style but this one."""
    style = '"' if any(character in value for character in "\x85\u2028\u2029") else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


def _bool(loader: Any, node: Any) -> bool:
    return {"true": True, "false": False}[node.value.lower()]


def _int(loader: Any, node: Any) -> int:
    return int(node.value)  # the 1.1 constructor would read 012 as octal


def _float(loader: Any, node: Any) -> float:
    return float(node.value.lower().replace(".inf", "inf").replace(".nan", "nan"))


_CONSTRUCTORS: dict[str, Any] = {
    "null": lambda loader, node: None,
    "bool": _bool,
    "int": _int,
    "float": _float,
    "str": _Loader.construct_yaml_str,
    "seq": _Loader.construct_yaml_seq,
    "map": _Loader.construct_yaml_map,
}


_Dumper.add_representer(str, _written_text)
for _tag, _pattern, _first in _CORE_SCHEMA:
    _Loader.add_implicit_resolver(_tag, _pattern, _first)
    _Dumper.add_implicit_resolver(_tag, _pattern, _first)
for _name, _constructor in _CONSTRUCTORS.items():
    _Loader.add_constructor(f"tag:yaml.org,2002:{_name}", _constructor)
_Loader.yaml_constructors[None] = _Loader.construct_undefined  # any other tag


def parse(text: str, where: str) -> Any:
    """The value that `text` holds; raises `ConfigError` with `where:line:column`."""
    try:
        return yaml.load(text, Loader=_Loader)  # a SafeLoader with other number rules
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{where}:{mark.line + 1}:{mark.column + 1}" if mark else where
        raise ConfigError(
            f"not valid YAML: {getattr(error, 'problem', None) or error}",
            where=place,
            fix=getattr(error, "note", None) or "a text with special characters wants quotes: '...'",
        ) from None
    except (RecursionError, ValueError, KeyError) as error:
        raise ConfigError(f"not valid YAML: {error}", where=where, fix="put a text in quotes") from None


def dump(value: Any) -> str:
    """`value` as YAML that `parse` reads back to the same value; keys keep their order."""
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)
