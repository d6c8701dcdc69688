"""nnU-Net's own sliding window, with several images and many predictions at once."""

from pathlib import Path

import numpy as np
import pytest
import torch
from made_up_model import plans, write_images, write_model
from nnunetv2.utilities.get_network_from_plans import get_network_from_plans
from small_plans import REQUIRES_IMPORT, UNET_MODULE, arch_kwargs

from nnunet_skipstudy.explain.cases import Explainer, Truth
from nnunet_skipstudy.explain.window import as_large_as, at_a_time, segmented, slide
from nnunet_skipstudy.nnunet.images import read_label_map
from nnunet_skipstudy.nnunet.prediction import Predictor, find_cases

KWARGS = {
    "2d": (arch_kwargs(2, [4, 6, 8], [[1, 1], [2, 2], [2, 2]], [[3, 3]] * 3), (32, 24), "PlainConvUNet"),
    "2d residual": (
        *(arch_kwargs(2, [4, 6, 8], [[1, 1], [2, 2], [2, 2]], [[3, 3]] * 3, blocks=[1, 1, 1]), (32, 24)),
        "ResidualEncoderUNet",
    ),
    "3d": (arch_kwargs(3, [4, 6], [[1, 1, 1], [1, 2, 2]], [[1, 3, 3]] * 2), (6, 16, 16), "PlainConvUNet"),
}
SIZES = {2: (45, 30), 3: (6, 25, 16)}


@pytest.fixture(params=KWARGS)
def model(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Predictor, Path]:
    """Random weights, and images larger than a patch, at two levels."""
    for name in ("nnUNet_raw", "nnUNet_results", "nnUNet_preprocessed"):
        monkeypatch.setenv(name, str(tmp_path / name))
    kwargs, patch, class_name = KWARGS[request.param]
    torch.manual_seed(1)
    network = get_network_from_plans(
        f"{UNET_MODULE}.{class_name}", kwargs, REQUIRES_IMPORT, 1, 2, deep_supervision=False
    )
    with torch.inference_mode():  # as many voxels of either class
        logits = network.eval()(torch.rand(1, 1, *patch) * 8 + 1)[0]
        network.decoder.seg_layers[-1].bias[1] -= (logits[1] - logits[0]).median()
    training = write_model(plans(kwargs, patch, class_name), network.state_dict())
    rng = np.random.default_rng(0)
    levels = {
        level: {f"c{n}": rng.integers(1, 9, SIZES[len(patch)]).astype(np.uint8) for n in range(2)}
        for level in ("unperturbed", "hardest")
    }
    labels = {case: (image > 4).astype(np.uint8) for case, image in levels["unperturbed"].items()}
    raw = write_images(tmp_path / "nnUNet_raw", levels, labels)
    return Predictor(training.model_folder, 0, mirroring=True), raw


def test_predictions_are_nnunets_own(model: tuple[Predictor, Path]) -> None:
    """Of both images, stacked, tiled, mirrored and weighted: no bit differs, nor does a label on the file's grid."""
    predictor, raw = model
    ending = predictor.nnunet.dataset_json["file_ending"]
    clean, shifted = (
        find_cases(raw / folder, ending, n_channels=1)["c0"] for folder in ("imagesTs", "imagesTs_hardest")
    )
    (image, properties), (other, _) = predictor.preprocessed(clean), predictor.preprocessed(shifted)
    expected = [predictor.nnunet.predict_sliding_window_return_logits(one) for one in (image, other)]
    explainer = Explainer(predictor, ("patch",), {})
    found = slide(predictor, [image, other], 4, lambda tiles: [explainer.network.run(tile).logits for tile in tiles])
    assert torch.equal(found, torch.cat(expected))
    assert torch.equal(predictor.nnunet.predict_sliding_window_return_logits(image), expected[0])
    label_map = segmented(predictor, found[:2], properties)
    assert predictor.predict_folder(raw / "imagesTs", raw / "predicted") == 2
    written = read_label_map(raw / "predicted" / f"c0{ending}").array
    assert np.array_equal(label_map.reshape(written.shape), written)
    assert 0 < written.mean() < 1
    truth = Truth(written.reshape(label_map.shape), {"object": (1,)})
    scores = explainer.explain("c0", clean, shifted, None, truth).scores
    assert scores[0][1]["object"] < 1
    assert explainer.explain("c0", clean, None, None, truth).scores[0][1] == {"object": 1.0}


def test_what_does_not_fit_into_memory_is_done_in_parts(
    model: tuple[Predictor, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the same scores, noise too."""
    predictor, raw = model
    files = [
        next(iter(find_cases(raw / folder, predictor.nnunet.dataset_json["file_ending"], n_channels=1).values()))
        for folder in ("imagesTs", "imagesTs_hardest")
    ]
    size = predictor.preprocessed(files[0])[0].shape[1:]
    truth = Truth(np.arange(np.prod(size)).reshape(size) % 2, {"object": (1,)})
    explainer = Explainer(predictor, ("patch", "noise", "other"), {}, seed=3)
    whole = explainer.explain("c0", *files, files[1], truth)
    monkeypatch.setattr("nnunet_skipstudy.explain.cases.at_a_time", lambda image, n_heads: 7)
    assert explainer.explain("c0", *files, files[1], truth) == whole


def test_how_many_fit() -> None:
    """Two bytes a voxel and channel, of two gigabytes; one where not even that fits."""
    assert at_a_time(torch.empty(1, 1, 2**10, 2**10), 2) == 2**9
    assert at_a_time(torch.empty(1, 2**11, 2**10, 2**10, device="meta"), 2) == 1


def test_another_image_is_cut_or_repeated_to_the_size() -> None:
    """Around its centre; each voxel comes from the other image."""
    image, small, large = torch.zeros(2, 1, 4, 5), torch.arange(4.0).reshape(1, 1, 2, 2), torch.rand(1, 3, 9, 8)
    assert as_large_as(image, small).tolist() == [[[[0, 1, 0, 1, 0], [2, 3, 2, 3, 2]] * 2]]
    assert torch.equal(as_large_as(image, large), large[:, 1:2, 2:6, 1:6])
