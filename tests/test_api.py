"""What a notebook imports from the package: each name is there, lazily, with an example that says what it does."""

import ast
import doctest
import subprocess
import sys
from pathlib import Path

import pytest

import nnunet_skipstudy

FUNCTIONS = [name for name in nnunet_skipstudy.API if callable(getattr(nnunet_skipstudy, name))]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_its_example_gives_what_it_says(name: str) -> None:
    found = getattr(nnunet_skipstudy, name)
    tests = [test for test in doctest.DocTestFinder(recurse=False).find(found, name, globs={}) if test.examples]
    assert tests or name.endswith("Options"), "no example in the docstring"
    for test in tests:
        said: list[str] = []
        failed = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE).run(test, out=said.append).failed
        assert not failed, "".join(said)


def test_type_checkers_see_every_name() -> None:
    """The names are listed twice, once for Python and once for type checkers and editors."""
    stub = ast.parse(Path(nnunet_skipstudy.__file__).with_suffix(".pyi").read_text())
    imports = [node for node in stub.body if isinstance(node, ast.ImportFrom)]
    typed = {alias.asname: node.module for node in imports for alias in node.names}
    assert typed == {name: f"nnunet_skipstudy.{module}" for name, module in nnunet_skipstudy.API.items()}
    assert set(nnunet_skipstudy.API) <= set(dir(nnunet_skipstudy))
    with pytest.raises(AttributeError, match="no attribute 'tecture_disparity'"):
        nnunet_skipstudy.tecture_disparity  # noqa: B018


def test_importing_the_package_imports_nothing_heavy() -> None:
    """Names are loaded when they are asked for."""
    code = "import sys, nnunet_skipstudy; print({'numpy', 'torch', 'pandas', 'numba', 'nnunetv2'} & set(sys.modules))"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == "set()"
