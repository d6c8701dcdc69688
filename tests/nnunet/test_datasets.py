"""One identifier, one name: where a data set lies, and that no command takes the first of two."""

from pathlib import Path

import pytest
from tiny_study import write_study

from nnunet_skipstudy.cli import main
from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.nnunet.datasets import find_dataset, found_dataset
from nnunet_skipstudy.nnunet.environment import FOLDER_VARIABLES


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that holds nnU-Net's three."""
    for variable in FOLDER_VARIABLES:
        monkeypatch.setenv(variable, str(tmp_path / variable))
    return tmp_path


def test_it_is_found_by_identifier_and_by_name(root: Path) -> None:
    folder = root / "nnUNet_raw" / "Dataset007_Cells"
    folder.mkdir(parents=True)
    (root / "nnUNet_raw" / "Dataset007_list.txt").touch()
    assert find_dataset(7) == find_dataset("007") == find_dataset("Dataset007_Cells") == folder
    assert found_dataset(root / "nnUNet_results", 7) is None
    with pytest.raises(UserError, match=r"nnUNet_preprocessed: no data set 7 \(there: none\)"):
        find_dataset(7, "nnUNet_preprocessed")


def test_a_name_that_nnunet_takes_for_the_identifiers_is_refused(root: Path) -> None:
    """It looks for the first letters alone: ``Dataset5010_X`` would be a second 501."""
    (root / "nnUNet_raw" / "Dataset5010_X").mkdir(parents=True)
    assert found_dataset(root / "nnUNet_raw", 501) is None
    (root / "nnUNet_raw" / "Dataset501_Y").mkdir()
    with pytest.raises(UserError, match=r"501 is ambiguous \(.*Dataset5010_X, .*Dataset501_Y\); keep one name"):
        find_dataset(501)
    assert find_dataset("Dataset501_Y").name == "Dataset501_Y"


@pytest.mark.parametrize("elsewhere", FOLDER_VARIABLES)
@pytest.mark.parametrize(
    "command",
    [
        ["disparity", "-d", "501"],
        ["perturb", "-d", "501"],
        ["plan", "-d", "501", "-np", "0"],
        ["architectures", "-d", "501"],
        ["convert", "synthetic", "-d", "501", "--name", "A"],
        ["run", "study.yaml", "--dry-run"],
        ["run", "study.yaml"],
        ["status", "study.yaml"],
        ["commands", "study.yaml"],
    ],
    ids=" ".join,
)
def test_no_command_takes_one_of_two(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: list[str], elsewhere: str
) -> None:
    """Wherever the second name lies; nothing is made then."""
    for folder in ("nnUNet_raw/Dataset501_A", "nnUNet_preprocessed/Dataset501_A", f"{elsewhere}/Dataset501_B"):
        (root / folder).mkdir(parents=True)
    write_study(root, f"root: {root}\ndatasets: [{{id: 501}}]\nlevels: unperturbed\nsmall_data: true\ndevice: cpu\n")
    monkeypatch.chdir(root)
    before = sorted(root.rglob("*"))
    assert main(command) == 2
    printed = capsys.readouterr().err.splitlines()
    assert len(printed) == 1
    assert f"{elsewhere}/Dataset501_B" in printed[0]
    assert sorted(root.rglob("*")) == before
