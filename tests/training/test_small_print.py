"""What nnU-Net's own training stumbles over: plans of two stages, and the spatial augmentation in a cascade."""

import contextlib
import io
from pathlib import Path

import numpy as np
import pytest
import torch
from small_plans import UNET_MODULE, arch_kwargs
from tiny_training import DATASET_JSON, plans, trained, write_preprocessed

from nnunet_skipstudy.training.on_demand import trainer_class
from nnunet_skipstudy.training.trainer import SkipStudyTrainer

pytestmark = pytest.mark.filterwarnings("ignore")  # nnU-Net's own


@pytest.fixture(autouse=True)
def nnunet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_preprocessed(tmp_path / "preprocessed")
    monkeypatch.setenv("nnUNet_preprocessed", str(tmp_path / "preprocessed"))
    monkeypatch.setenv("nnUNet_results", str(tmp_path / "results"))
    monkeypatch.setenv("nnUNet_n_proc_DA", "0")
    monkeypatch.setattr(SkipStudyTrainer, "plot_network_architecture", lambda self: None)


def made(name: str, **architecture) -> SkipStudyTrainer:
    content = plans()
    content["configurations"]["2d"]["architecture"].update(architecture)
    with contextlib.redirect_stdout(io.StringIO()):
        training = trainer_class(name)(content, "2d", 0, DATASET_JSON, torch.device("cpu"))
    training.logger.plot_progress_png = lambda folder: None
    return training


@pytest.mark.parametrize("name", ["NoSkip", "UNetPlusPlus", "UNetPlusPlus_fullresDS", "VNet_noDS"])
def test_a_plan_of_two_stages_trains_with_a_finite_loss(name: str) -> None:
    """With deep supervision its one head weighs 1, where nnU-Net's weights are 0 / 0."""
    kwargs = arch_kwargs(2, [2, 4], [[1, 1], [2, 2]], [[3, 3]] * 2)
    training = made(
        f"nnUNetTrainer{name}_1epochs_2iters", network_class_name=f"{UNET_MODULE}.PlainConvUNet", arch_kwargs=kwargs
    )
    trained(training)
    assert np.isfinite(training.logger.get_value("train_losses", step=-1))
    assert all(weight.isfinite().all() for weight in training.network.parameters())


@pytest.mark.parametrize("regions", [None, [(1, 2), 2]])
def test_spatial_augmentation_keeps_what_a_cascade_does_to_the_previous_masks(regions) -> None:
    """Masks of the previous stage come as further channels and are altered, as nnU-Net does; the image only turns."""
    ours, theirs = (made(f"nnUNetTrainerUNet{suffix}") for suffix in ("_spatialDA", ""))
    labels = {"use_mask_for_norm": [True], "is_cascaded": True, "foreground_labels": [1, 2], "regions": regions}
    asked = ((16, 16), (0.0, 0.0), [[1.0, 1.0], [0.5, 0.5]], (0, 1), False)
    spatial, full = (trainer.get_training_transforms(*asked, **labels) for trainer in (ours, theirs))
    tail = [repr(type(part)) for part in spatial.transforms[-1].transforms]
    assert tail == [repr(type(part)) for part in full.transforms[-len(tail) :]]
    assert sum("RandomTransform" in part for part in tail) == 2
    torch.manual_seed(0)
    np.random.seed(0)
    image = torch.arange(256.0).reshape(1, 16, 16)
    masks = torch.zeros(2, 16, 16, dtype=torch.int16)
    masks[:, 3:12, 3:12] = 1
    masks[:, 5:9, 5:9] = 2
    changed = False
    for _ in range(30):
        result = spatial(image=image.clone(), segmentation=masks.clone())
        assert result["image"].shape == (3, 16, 16)
        assert sorted(result["image"][0].flatten().tolist()) == list(range(256))
        whole = result["segmentation"][0][0] == 1
        changed |= not torch.equal(result["image"][1].bool(), whole) and regions is None
    assert changed == (regions is None)
