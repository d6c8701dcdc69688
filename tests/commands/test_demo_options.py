"""Options that the demo can't have: refused before a folder is claimed for it."""

from pathlib import Path

import pytest

from nnunet_skipstudy.cli import main


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--architectures", "UNet", "UNet"], "architecture 'UNet' stands twice; keep one of them (--architectures)"),
        (["--architectures", "Unet"], "architecture 'Unet': choose from NoSkip"),
        (["--epochs", "0"], "0 epochs; give at least 1 (--epochs)"),
        (["--seed", "4294967296"], "seed 4294967296; give at most 4294967295 (--seed)"),
    ],
)
def test_a_refused_demo_leaves_nothing(
    tmp_path: Path, options: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["demo", "-o", str(tmp_path / "demo"), *options]) == 2
    assert words in capsys.readouterr().err
    assert not (tmp_path / "demo").exists()


def test_a_file_is_no_folder_for_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    assert main(["demo", "-o", str(tmp_path / "file")]) == 2
    assert f"{tmp_path / 'file'}: can't be written to (File exists); give another -o" in capsys.readouterr().err
