"""How predictions get to their place; that their pixels are nnU-Net's is tested end to end."""

from pathlib import Path

import numpy as np
import pytest

from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.nnunet.images import write_image
from nnunet_skipstudy.nnunet.prediction import _publish
from nnunet_skipstudy.support.working_folder import LOCK, working_folder


def test_what_is_exported_beside_a_prediction_comes_along(tmp_path: Path) -> None:
    """nnU-Net writes the spacing of a TIFF volume into a file of its own; the lock of the folder stays in it."""
    with working_folder(tmp_path) as folder:
        (folder / "case.tif").write_text("prediction")
        (folder / "case.json").write_text("spacing")
        _publish(folder, tmp_path / "case.tif")
        assert [path.name for path in folder.iterdir()] == [LOCK]
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
        "case.tif": "prediction",
        "case.json": "spacing",
    }


@pytest.mark.parametrize("ending", [".nii.gz", ".nii"])
def test_a_prediction_that_a_full_disk_cut_short_is_none(tmp_path: Path, ending: str) -> None:
    write_image(tmp_path / f"whole{ending}", np.zeros((4, 40, 40), np.uint8))
    content = (tmp_path / f"whole{ending}").read_bytes()
    with working_folder(tmp_path) as folder:
        (folder / f"case{ending}").write_bytes(content[:-20])
        with pytest.raises(UserError, match=f"case{ending}: can't be written .* make space, then predict again"):
            _publish(folder, tmp_path / f"case{ending}")
    assert [path.name for path in tmp_path.iterdir()] == [f"whole{ending}"]
