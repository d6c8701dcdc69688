"""YAML as a person writes it: each key once in a mapping, and no more values than a person would write.

YAML's own readers let the last of two keys win without a word, and a few aliases of aliases stand for any number of
values.
"""

from typing import Any

import yaml

from nnunet_skipstudy.errors import shown

MOST_VALUES = 20_000
DEEPEST = 20
MOST_BITS = 64


class KeyTwice(yaml.MarkedYAMLError):
    """A key stands twice in one mapping; ``problem`` names it and the line of the first one."""


class _Loader(yaml.SafeLoader):
    def get_single_node(self) -> yaml.Node | None:
        node = super().get_single_node()
        if node is not None:
            _check(node, {}, 1)
        return node

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            value = super().construct_object(node, deep)
            if isinstance(value, int) and value.bit_length() > MOST_BITS:
                raise OverflowError
            if isinstance(value, str) and "\0" in value.encode().decode():  # halves of characters can't be encoded
                raise ValueError
            return value
        except yaml.YAMLError:
            raise
        except Exception as error:  # a 13th month, a number of 5000 digits, a word with the tag of a number
            kind = node.tag.rpartition(":")[2]
            problem = f"{shown(node.value)} can't be used as {kind}"
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=node.start_mark) from error


def load_yaml(text: str) -> Any:
    """What a YAML document holds.

    Raises:
        KeyTwice: a mapping holds a key twice; its ``problem_mark`` is the second one's.
        yaml.YAMLError: it is not YAML, a value can't be made out or has more than :data:`MOST_BITS` bits, or it nests
            deeper than :data:`DEEPEST` levels or stands for more than :data:`MOST_VALUES` values.
    """
    try:
        return yaml.load(text, Loader=_Loader)
    except RecursionError as error:
        raise yaml.YAMLError(f"nests deeper than {DEEPEST} levels") from error


def _check(node: yaml.Node, sizes: dict[int, int], depth: int) -> int:
    """How many values a node stands for; what an alias repeats is looked at once, and counted each time.

    Raises:
        yaml.MarkedYAMLError: they are too many or too deep, or a key stands twice.
    """
    if isinstance(node, yaml.ScalarNode):
        return 1
    if depth > DEEPEST:  # as does what holds itself
        raise yaml.MarkedYAMLError(problem=f"nests deeper than {DEEPEST} levels", problem_mark=node.start_mark)
    if id(node) not in sizes:
        if isinstance(node, yaml.MappingNode):
            _refuse_key_twice(node)
        parts = [part for item in node.value for part in (item if isinstance(item, tuple) else (item,))]
        sizes[id(node)] = 1 + sum(_check(part, sizes, depth + 1) for part in parts)
    if sizes[id(node)] > MOST_VALUES:
        problem = f"stands for more than {MOST_VALUES} values"
        raise yaml.MarkedYAMLError(problem=problem, problem_mark=node.start_mark)
    return sizes[id(node)]


def _refuse_key_twice(node: yaml.MappingNode) -> None:
    lines: dict[tuple[str, str], int] = {}
    for key, _ in node.value:
        if isinstance(key, yaml.ScalarNode):
            name = (key.tag, key.value)
            if name in lines:
                problem = f"the key {shown(key.value)} stands twice (first in line {lines[name]})"
                raise KeyTwice(problem=problem, problem_mark=key.start_mark)
            lines[name] = key.start_mark.line + 1
