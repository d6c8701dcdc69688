"""The reference's pages that repeat the code: made from it at each build, so that they can't be stale."""

import contextlib
import importlib
import io
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Any

from pydantic import BaseModel

import nnunet_skipstudy
from nnunet_skipstudy.cli import COMMANDS
from nnunet_skipstudy.commands.convert import CONVERTERS
from nnunet_skipstudy.nnunet.trainer_name import SUFFIXES
from nnunet_skipstudy.registry import ARCHITECTURES, LEVELS, METRICS
from nnunet_skipstudy.study.settings import Study
from nnunet_skipstudy.study.templates import full_text


def write_pages(folder: Path) -> None:
    """Write all of them; a page that is what it was stays untouched, so that Sphinx doesn't read it again."""
    folder.mkdir(parents=True, exist_ok=True)
    made = {
        "commands": commands(),
        "study-file": study_file(),
        "trainers": trainers(),
        "metrics": metrics(),
        "api": api(),
    }
    for name, text in made.items():
        path = folder / f"{name}.md"
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def help_of(*words: str) -> str:
    """What ``skipstudy WORDS --help`` prints."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.suppress(SystemExit):
        importlib.import_module(f"nnunet_skipstudy.commands.{words[0]}").main([*words[1:], "--help"])
    return printed.getvalue().rstrip()


def commands() -> str:
    """Each command's own help."""
    lines = [
        "# Commands",
        "",
        "Exit codes: 0 done; 2 your input or environment is at fault, and one line says what to do.",
        "",
        "For the Tab key, in bash, or in zsh after `autoload -U bashcompinit && bashcompinit`:",
        "",
        "```bash",
        f"complete -o default -W '{' '.join([*COMMANDS, *LEVELS])}' skipstudy",
        "```",
    ]
    for name, does in COMMANDS.items():
        lines += ["", f"## skipstudy {name}", "", f"{does[0].upper()}{does[1:]}.", "", "```text", help_of(name), "```"]
        if name == "convert":
            for converter in CONVERTERS:
                lines += ["", f"### convert {converter}", "", "```text", help_of(name, converter), "```"]
    return "\n".join(lines) + "\n"


def study_file() -> str:
    """The settings' model as tables, and the commented file."""
    lines = ["# study.yaml", "", "What `skipstudy init --full` writes, then every key with its type and default.", ""]
    lines += ["```yaml", full_text(CONVERTERS).rstrip(), "```"]
    for name, model in _models(Study):
        lines += ["", f"## {name}", "", " ".join((model.__doc__ or "").split()), ""]
        lines += ["| key | type | default |", "|---|---|---|", *_keys(model)]
    return "\n".join(lines) + "\n"


def _models(model: type[BaseModel]) -> Iterator[tuple[str, type[BaseModel]]]:
    yield model.__name__, model
    for field in model.model_fields.values():
        for inner in (field.annotation, *getattr(field.annotation, "__args__", ())):
            if isinstance(inner, type) and issubclass(inner, BaseModel):
                yield from _models(inner)


def _keys(model: type[BaseModel]) -> Iterator[str]:
    properties = model.model_json_schema()["properties"]
    for key, field in model.model_fields.items():
        default = "needed" if field.is_required() else f"`{_plain(field.get_default(call_default_factory=True))}`"
        yield f"| `{key}` | {_type_of(properties[key])} | {default} |"


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return {key: _plain(inner) for key, inner in value.model_dump(exclude_none=True).items()}
    return value.value if isinstance(value, Enum) else value


def _type_of(schema: dict[str, Any]) -> str:
    if "anyOf" in schema:
        return " or ".join(_type_of(one) for one in schema["anyOf"])
    if "enum" in schema:
        return " or ".join(f"`{value}`" for value in schema["enum"])
    if "$ref" in schema:
        return f"see {schema['$ref'].rsplit('/', 1)[1]}"
    if schema.get("type") == "array":
        return f"list of {_type_of(schema.get('items', {}))}"
    if schema.get("type") == "object":
        inner = schema.get("additionalProperties")
        return f"keys with {_type_of(inner)}" if isinstance(inner, dict) else "keys"
    bounds = [f"{word} {schema[key]:g}" for key, word in (("minimum", "from"), ("maximum", "to")) if key in schema]
    return " ".join([str(schema.get("type", "value")), *bounds])


def trainers() -> str:
    """The networks and suffixes of the registry."""
    lines = [
        "# Trainers and suffixes",
        "",
        "| trainer | network | group | skips, full resolution first |",
        "|---|---|---|---|",
    ]
    for network in ARCHITECTURES.values():
        skips = ", ".join(policy.value for policy in network.policies(2))
        lines.append(f"| `{network.trainer}` | {network.title} | {network.group.value} | {skips} … |")
    lines += ["", "Any of them takes suffixes, in any order, each once, at training and at inference alike:", ""]
    lines += ["| suffix | does | a network of its own in tables |", "|---|---|---|"]
    lines += [
        f"| `{name}` | {suffix.does} | {'yes' if suffix.of_network else ''} |" for name, suffix in SUFFIXES.items()
    ]
    return "\n".join(lines) + "\n"


def metrics() -> str:
    """The metrics of the registry."""
    lines = ["# Metrics", "", "| column | name | definition |", "|---|---|---|"]
    tolerances = "5 pixels, or 2 mm where images have a spacing"
    for metric in METRICS.values():
        definition = metric.definition.format(tolerances=tolerances).replace("|", "\\|")
        lines.append(f"| `{metric.name}` | {metric.title} | {definition} |")
    return "\n".join(lines) + "\n"


def api() -> str:
    """The docstrings of what the package gives to a notebook."""
    lines = ["# Python", "", "Each name is imported from `nnunet_skipstudy`, and loaded when it is first used.", ""]
    for name in nnunet_skipstudy.API:
        found = getattr(nnunet_skipstudy, name)
        lines += [f"## {name}", "", "```{eval-rst}"]
        if isinstance(found, dict):
            values = ", ".join(f"``{key}``" for key in found)
            lines += [
                f".. py:data:: nnunet_skipstudy.{name}",
                "",
                f"   {type(next(iter(found.values()))).__name__} rows by name: {values}.",
            ]
        else:
            kind = "class" if isinstance(found, type) else "function"
            lines += [
                f".. auto{kind}:: nnunet_skipstudy.{name}",
                *(
                    ["   :members:", "   :exclude-members: " + ", ".join(getattr(found, "__dataclass_fields__", {}))]
                    if kind == "class"
                    else []
                ),
            ]
        lines += ["```", ""]
    return "\n".join(lines)
