"""``skipstudy convert``: finding converters."""

import importlib

import pytest

from nnunet_skipstudy import cli
from nnunet_skipstudy.commands.convert import CONVERTERS


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"]])
def test_help_lists_the_converters_and_an_example(capsys, arguments):
    assert cli.main(["convert", *arguments]) == 0
    shown = capsys.readouterr().out
    for name, makes in CONVERTERS.items():
        assert name in shown
        assert makes in shown
    assert "skipstudy convert synthetic -d 501" in shown


def test_an_unknown_data_set_is_one_line(capsys):
    assert cli.main(["convert", "lungs", "-d", "501"]) == 2
    assert capsys.readouterr().err == (
        f"skipstudy: no data set 'lungs'; choose one of {', '.join(CONVERTERS)} (skipstudy convert --help)\n"
    )


@pytest.mark.parametrize("name", CONVERTERS)
def test_every_converter_listed_explains_itself(capsys, name):
    module = importlib.import_module(f"nnunet_skipstudy.dataset_conversion.{name}")
    with pytest.raises(SystemExit) as ending:
        module.CONVERTER.main(["--help"])
    assert ending.value.code == 0
    shown = capsys.readouterr().out
    assert "examples:" in shown
    assert "--overwrite" in shown
