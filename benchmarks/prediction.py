"""Predicting the test levels of one model: our predictor in one process against nnUNetv2_predict, a process a level.

The bar: at most 1.5 times what the bare network, reading and writing take, and the same pixels. A tiny model is trained
first; how well it predicts does not matter here.
"""

import filecmp
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nnunet_skipstudy.nnunet.calls import Training

LEVELS = (0.1, 0.3, 0.5, 0.7, 0.9)
N_CASES = 20
SIZE = 64


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        measure(Path(folder))


def measure(root: Path) -> None:
    """Everything under one folder that goes away afterwards."""
    from nnunet_skipstudy.conversion.synthetic import SyntheticOptions, convert
    from nnunet_skipstudy.nnunet import calls
    from nnunet_skipstudy.nnunet.environment import study_environment
    from nnunet_skipstudy.planning.planners import sized_planner
    from nnunet_skipstudy.registry import alpha_level

    calls.set_environment(study_environment(root), cpus=None, small_data=True)
    from nnunetv2.experiment_planning.experiment_planners.default_experiment_planner import ExperimentPlanner

    with calls.output_to(root / "prepare.log"):
        options = SyntheticOptions(alphas=(0.1,), test_alphas=LEVELS, size=SIZE, train=8, val=2, test=N_CASES)
        dataset = convert(options)
        planner = sized_planner(ExperimentPlanner, base_features=16, max_features=128, batch_size=8)
        calls.plan_and_preprocess(501, planner, "plans", "2d")
        cell = calls.Training(dataset.name, "nnUNetTrainerUNet_1epochs_1iters", "plans", "2d", 0)
        calls.train(cell, device="cpu")
    levels = [alpha_level(alpha) for alpha in LEVELS]
    print(f"{len(levels)} levels of {N_CASES} images of {SIZE} x {SIZE}, without mirroring")

    ours = predict_with_ours(cell, dataset, levels, root / "ours")
    bare = bare_network(cell, dataset, levels, root / "bare")
    theirs = predict_with_nnunet(cell, dataset, levels, root / "theirs")
    print(f"bare network, reading and writing {bare:8.2f} s")
    print(f"our predictor                     {ours:8.2f} s  {ours / bare:6.2f} times the bare network (bar: 1.5)")
    print(f"nnUNetv2_predict                  {theirs:8.2f} s  {theirs / ours:6.2f} times ours")
    for level in levels:
        names = sorted(path.name for path in (root / "theirs" / level).glob("*.png"))
        same, different, failed = filecmp.cmpfiles(root / "ours" / level, root / "theirs" / level, names, shallow=False)
        assert len(same) == N_CASES, (level, different, failed)
    print("all pixels are the same")


def predict_with_ours(cell: "Training", dataset: Path, levels: list[str], output: Path) -> float:
    """Seconds of our predictor for all levels, the loading of the model included."""
    from nnunet_skipstudy.nnunet.prediction import Predictor

    start = time.perf_counter()
    predictor = Predictor(cell.model_folder, cell.fold, mirroring=False)
    for level in levels:
        predictor.predict_folder(dataset / f"imagesTs_{level}", output / level)
    return time.perf_counter() - start


def bare_network(cell: "Training", dataset: Path, levels: list[str], output: Path) -> float:
    """Seconds of what can't be spared: reading, one pass through the network an image, writing."""
    import numpy as np
    import skimage.io as io
    import torch

    from nnunet_skipstudy.nnunet.prediction import Predictor

    network = Predictor(cell.model_folder, cell.fold, mirroring=False)._predictor.network
    start = time.perf_counter()
    with torch.inference_mode():
        for level in levels:
            (output / level).mkdir(parents=True)
            for path in sorted((dataset / f"imagesTs_{level}").iterdir()):
                image = io.imread(path).astype(np.float32)
                logits = network(torch.from_numpy((image - image.mean()) / image.std())[None, None])
                io.imsave(
                    output / level / path.name, logits[0].argmax(0).numpy().astype(np.uint8), check_contrast=False
                )
    return time.perf_counter() - start


def predict_with_nnunet(cell: "Training", dataset: Path, levels: list[str], output: Path) -> float:
    """Seconds of nnU-Net's command, once a level."""
    command = Path(sys.executable).with_name("nnUNetv2_predict")
    start = time.perf_counter()
    for level in levels:
        where = ["-i", str(dataset / f"imagesTs_{level}"), "-o", str(output / level)]
        model = ["-d", dataset.name, "-f", "0", "-c", cell.configuration, "-tr", cell.trainer, "-p", cell.plans]
        subprocess.run(
            [str(command), *where, *model, "-device", "cpu", "--disable_tta", "-npp", "1", "-nps", "1"],
            check=True,
            env=os.environ,
            capture_output=True,
        )
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
