"""Letters that matplotlib's own font lacks."""

import warnings
from pathlib import Path

import pytest
from matplotlib.figure import Figure

from nnunet_skipstudy.analysis.figures.style import save, style, width_of


@pytest.mark.parametrize("words", ["患者 1", "환자", "दिल", "\U0001f9e0"])
def test_names_in_other_scripts_are_drawn_without_a_word_on_the_terminal(words: str, tmp_path: Path) -> None:
    """Where no font has a letter a box is drawn; other warnings still come through."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with style():
            figure = Figure(figsize=(2, 1))
            figure.suptitle(words)
        assert width_of(words, 9) > 0
        assert save(figure, tmp_path, "x").is_file()
        with style():
            warnings.warn("something else", UserWarning, stacklevel=1)
    assert [str(warning.message) for warning in caught] == ["something else"]
