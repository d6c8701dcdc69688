"""How predictions get to their place; that their pixels are nnU-Net's is tested end to end."""

from pathlib import Path

import numpy as np
import pytest
from nnunetv2.utilities.find_objects import recursive_find_trainer_class_by_name

from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.nnunet.environment import trainer_folder
from nnunet_skipstudy.nnunet.images import write_image
from nnunet_skipstudy.nnunet.prediction import _publish, _trainer
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


@pytest.mark.filterwarnings("ignore")  # of what nnU-Net's search imports
def test_a_trainer_is_the_one_that_nnunet_finds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ours with suffixes, nnU-Net's own, and none of a wrong name."""
    monkeypatch.setenv("nnUNet_extTrainer", str(trainer_folder()))
    for name in ("nnUNetTrainerVNet_2epochs_seed1", "nnUNetTrainer_5epochs"):
        found, theirs = _trainer(name), recursive_find_trainer_class_by_name(name)
        assert found.__name__ == theirs.__name__ == name
        assert getattr(found, "options", None) == getattr(theirs, "options", None)
    with pytest.raises(AttributeError, match="unknown suffix '_2epoch'"):
        _trainer("nnUNetTrainerVNet_2epoch")
