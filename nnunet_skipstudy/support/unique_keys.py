"""YAML whose mappings hold each key once: YAML's own readers let the last one win without a word."""

from typing import Any

import yaml


class KeyTwice(yaml.MarkedYAMLError):
    """A key stands twice in one mapping; ``problem`` names it and the line of the first one."""


class _Loader(yaml.SafeLoader):
    def get_single_node(self) -> yaml.Node | None:
        node = super().get_single_node()
        if node is not None:
            _check(node, set())
        return node


def load_yaml(text: str) -> Any:
    """What a YAML document holds.

    Raises:
        KeyTwice: a mapping holds a key twice; its ``problem_mark`` is the second one's.
        yaml.YAMLError: it is not YAML.
    """
    return yaml.load(text, Loader=_Loader)


def _check(node: yaml.Node, seen: set[int]) -> None:
    """Refuse a key that stands twice, here or deeper; what an alias repeats is looked at once."""
    if id(node) in seen or isinstance(node, yaml.ScalarNode):
        return
    seen.add(id(node))
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            _check(item, seen)
        return
    lines: dict[tuple[str, str], int] = {}
    for key, value in node.value:
        if isinstance(key, yaml.ScalarNode):
            name = (key.tag, key.value)
            if name in lines:
                problem = f"the key {key.value!r} stands twice (first in line {lines[name]})"
                raise KeyTwice(problem=problem, problem_mark=key.start_mark)
            lines[name] = key.start_mark.line + 1
        _check(value, seen)
