"""Files of other formats among those that are read, and names that no table can hold."""

from pathlib import Path

import pytest
from made_up_predictions import draw, write_cases, write_dataset_json
from measuring import compare, measure

from nnunet_skipstudy.errors import UserError

LABEL = draw("11.", "...")


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """Two cases, predicted and labelled."""
    labels = write_cases(tmp_path / "labels", dict.fromkeys("ab", LABEL))
    write_dataset_json(labels, {"object": 1})
    return write_cases(tmp_path / "p", dict.fromkeys("ab", LABEL)), labels


@pytest.mark.parametrize("ending", [".jpg", ".WEBP", ".npz", ".nii.bz2", ".npy"])
@pytest.mark.parametrize("side", ["predictions", "labels", "both"])
def test_a_case_that_is_there_in_another_format_is_neither_dropped_nor_called_absent(
    ending: str, side: str, folders: tuple[Path, Path]
) -> None:
    chosen = {"predictions": folders[:1], "labels": folders[1:], "both": folders}[side]
    for folder in chosen:
        (folder / "b.png").rename(folder / f"b{ending}")
    with pytest.raises(UserError, match=f"b{ending}: a label map in a format that|no label for case 'b'"):
        compare(*folders)


def test_probabilities_beside_their_label_map_are_no_case(folders: tuple[Path, Path]) -> None:
    """nnU-Net's --save_probabilities; a picture that belongs to no case is told of."""
    (folders[0] / "a.npz").write_bytes(b"")
    (folders[0] / "overview.jpg").write_bytes(b"")
    cases, warnings = measure(compare(*folders))
    assert cases["case"].tolist() == ["a", "b"]
    assert [warning for warning in warnings if "files left out (overview.jpg …)" in warning]


def test_a_folder_of_nothing_else_says_so(folders: tuple[Path, Path]) -> None:
    for path in folders[0].iterdir():
        path.rename(path.with_suffix(".jpeg"))
    with pytest.raises(UserError, match=r"no predictions found \(nnU-Net reads no such files as a\.jpeg\)"):
        compare(*folders)


def test_capitals_in_an_ending_are_no_other_format(folders: tuple[Path, Path]) -> None:
    (folders[0] / "a.png").rename(folders[0] / "a.PNG")
    (folders[1] / "b.png").rename(folders[1] / "b.Png")
    assert measure(compare(*folders))[0]["dsc"].tolist() == [1.0, 1.0]


@pytest.mark.parametrize("name", [b"b\xff.png", b"b\n.png", b"\x1b[31m.png"])
def test_names_that_no_table_can_hold_are_refused(name: bytes, folders: tuple[Path, Path]) -> None:
    for folder in folders:
        (folder / "b.png").rename(folder / name.decode("utf-8", "surrogateescape"))
    with pytest.raises(UserError, match="rename it") as error:
        compare(*folders)
    assert str(error.value).isprintable()
