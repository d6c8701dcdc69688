"""nnU-Net's folders in a temporary one, and the command that converts into them."""

from pathlib import Path

import pytest
from conversions import Study


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Study:
    for variable in ("nnUNet_raw", "nnUNet_preprocessed", "nnUNet_results"):
        monkeypatch.setenv(variable, str(tmp_path / "study" / variable))
    return Study(tmp_path / "study")
