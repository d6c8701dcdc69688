"""Measuring a folder of predictions: time and memory over the number of predictions, and against reading its files.

From 100 to 10 000 predictions of 256 x 256 pixels (PNG), each number in a process of its own. ``read``: decoding
every prediction and every label once with scikit-image, nnU-Net's reader, nothing else; ``own read``: with ours.
``measure``: finding, pairing, measuring and writing the table of cases, which reads the same files. ``again``: the same
a second time, when nothing has changed. The bar: ``measure`` at most 3 times ``read``, on one core; time linear, memory
nearly flat (the table itself grows).

Then the whole command, twice, on 450 predictions with intricate outlines: processor time, imports included. The bars:
the first run at most 3 times ``read`` plus 5 s, the unchanged one at most 5 s.
"""

import argparse
import json
import multiprocessing
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

BAR = 3.0
BAR_S = 5.0
SIZE = 256
N_CASES = 100
LEVELS = ("hardest", "harder", "unperturbed", "easier", "easiest")


def outline(rng: np.random.Generator) -> np.ndarray:
    """A rough disk somewhere in the image."""
    y, x = np.ogrid[:SIZE, :SIZE]
    centre = SIZE / 2 + rng.uniform(-20, 20, 2)
    angle = np.arctan2(y - centre[0], x - centre[1])
    waves = sum(rng.uniform(-4, 4) * np.sin(n * angle + rng.uniform(0, 6)) for n in range(2, 9))
    inside: np.ndarray = np.hypot(y - centre[0], x - centre[1]) < rng.uniform(35, 60) + waves
    return inside.astype(np.uint8)


def intricate(rng: np.random.Generator) -> np.ndarray:
    """A disk whose rim dissolves into hundreds of islands and holes."""
    from scipy.ndimage import gaussian_filter

    noise = gaussian_filter(rng.standard_normal((SIZE, SIZE)), 1)
    y, x = np.ogrid[:SIZE, :SIZE]
    inside: np.ndarray = np.hypot(y - SIZE / 2, x - SIZE / 2) / 65 + 0.3 * noise / noise.std() < 1
    return inside.astype(np.uint8)


def write_intricate(root: Path) -> None:
    """Three networks, five levels, 30 cases with images, all outlines intricate; the raw data set beside them."""
    from PIL import Image

    rng = np.random.default_rng(0)
    raw = root / "raw" / "Dataset901_Disks"
    trainers = [f"nnUNetTrainer{name}__nnUNetPlans__2d/fold_0" for name in ("NoSkip", "UNet", "VNet")]
    folders = [raw / "labelsTs", *(root / "p" / raw.name / trainer / level for trainer in trainers for level in LEVELS)]
    for folder in (*folders, raw / "imagesTs", *(raw / f"imagesTs_{level}" for level in LEVELS)):
        folder.mkdir(parents=True)
        for case in range(30):
            if folder in folders:
                Image.fromarray(intricate(rng)).save(folder / f"case{case:03d}.png")
            else:
                image = rng.integers(0, 256, (SIZE, SIZE)).astype(np.uint8)
                Image.fromarray(image).save(folder / f"case{case:03d}_0000.png")
    (raw / "dataset.json").write_text(json.dumps({"labels": {"background": 0, "disk": 1}}), encoding="utf-8")


def command_twice() -> None:
    """Print the processor time of the command on 450 predictions, first and unchanged, beside the bars."""
    from skimage.io import imread

    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        write_intricate(root)
        files = [*(root / "p").rglob("*.png"), *(root / "raw").rglob("labelsTs/*.png")]
        imread(files[0])
        start = time.process_time()
        for path in files:
            imread(path)
        read = time.process_time() - start
        command = [str(Path(sys.executable).with_name("skipstudy")), "analyze", str(root / "p")]
        command += ["--labels", str(root / "raw"), "-o", str(root / "out")]
        print(f"\nthe command on 450 predictions with intricate outlines, processor seconds; read {read:.2f}")
        for name, bar in (("first", BAR * read + BAR_S), ("unchanged", BAR_S)):
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            subprocess.run(command, check=True, capture_output=True)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            print(f"{name:>12}{spent:>8.2f}  bar {bar:.2f}", "" if spent <= bar else " BAR MISSED")


def write_study(root: Path, n_predictions: int) -> None:
    """A prediction tree, one run per 100 predictions, and its labels; no two predictions are alike."""
    from PIL import Image

    rng = np.random.default_rng(0)
    labels = root / "raw" / "Dataset901_Disks"
    (labels / "labelsTs").mkdir(parents=True)
    (labels / "dataset.json").write_text(json.dumps({"labels": {"background": 0, "disk": 1}}), encoding="utf-8")
    masks = [outline(rng) for _ in range(N_CASES)]
    for number, mask in enumerate(masks):
        Image.fromarray(mask).save(labels / "labelsTs" / f"case{number:03d}.png", compress_level=1)
    for run in range(n_predictions // N_CASES):
        trainer = f"nnUNetTrainerUNet_seed{run // len(LEVELS)}__nnUNetPlans__2d"
        folder = root / "p" / labels.name / trainer / "fold_0" / LEVELS[run % len(LEVELS)]
        folder.mkdir(parents=True)
        for number, mask in enumerate(masks):
            moved = np.roll(mask, tuple(rng.integers(-6, 7, 2)), (0, 1))
            moved.flat[rng.integers(0, moved.size, 3)] = 1
            Image.fromarray(moved).save(folder / f"case{number:03d}.png", compress_level=1)


def measure_once(root: Path, workers: int) -> int:
    """From folders to the table of cases, as ``skipstudy analyze`` does before statistics, figures and the report."""
    from nnunet_skipstudy.analysis.inputs.find import find_runs
    from nnunet_skipstudy.analysis.inputs.matching import prepare
    from nnunet_skipstudy.analysis.inputs.references import find_references
    from nnunet_skipstudy.analysis.measuring.cache import PLACE, Measurements
    from nnunet_skipstudy.analysis.measuring.case_metrics import measure_all
    from nnunet_skipstudy.registry import BothEmpty

    runs = find_runs(root / "p")
    (reference,) = find_references(root / "raw", runs, fallback="").values()
    comparisons = [prepare(reference, runs, root / "p")]
    known = Measurements(root / "out" / PLACE)
    cases = measure_all(comparisons, BothEmpty.COUNT, workers, progress=False, known=known)
    cases.to_csv(root / "out" / "case_metrics.csv", index=False)
    return len(cases)


def peak_mib() -> float:
    """The most memory that this process has held."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10


def _seconds(read: Callable[[Path], object], files: Sequence[Path]) -> float:
    start = time.perf_counter()
    for path in files:
        read(path)
    return time.perf_counter() - start


def measured(n_predictions: int, workers: int) -> dict[str, float]:
    """Times in seconds and memory in MiB of one number of predictions, in this process."""
    if workers == 1 and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    from skimage.io import imread

    from nnunet_skipstudy.nnunet.images import read_image

    with tempfile.TemporaryDirectory() as warm:  # imports and compiled code
        write_study(Path(warm), N_CASES)
        measure_once(Path(warm), workers)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        write_study(root, n_predictions)
        before = peak_mib()
        files = list(root.rglob("*.png"))
        own_read = _seconds(read_image, files)
        read = _seconds(imread, files)
        start = time.perf_counter()
        assert measure_once(root, workers) == n_predictions
        first = time.perf_counter() - start
        peak = peak_mib()
        start = time.perf_counter()
        measure_once(root, workers)
        again = time.perf_counter() - start
        return {"read": read, "own_read": own_read, "measure": first, "again": again, "before": before, "peak": peak}


def main() -> None:
    """Run every number of predictions and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, default=1, help="threads (default: 1)")
    parser.add_argument("--numbers", type=int, nargs="+", default=[100, 1000, 10_000], help="multiples of 100")
    arguments = parser.parse_args()
    print(f"{arguments.workers} worker(s); bar: measure at most {BAR:g} times read")
    columns = (
        "predictions",
        "read s",
        "own read s",
        "measure s",
        "ratio",
        "ms each",
        "again s",
        "MiB before",
        "MiB peak",
    )
    print("".join(f"{column:>12}" for column in columns))
    context = multiprocessing.get_context("spawn")
    for number in arguments.numbers:
        with context.Pool(1) as pool:
            found = pool.apply(measured, (number, arguments.workers))
        ratio = found["measure"] / found["read"]
        each = 1000 * found["measure"] / number
        cells = [
            f"{found['read']:.2f}",
            f"{found['own_read']:.2f}",
            f"{found['measure']:.2f}",
            f"{ratio:.2f}",
            f"{each:.2f}",
        ]
        cells += [f"{found['again']:.2f}", f"{found['before']:.0f}", f"{found['peak']:.0f}"]
        print("".join(f"{cell:>12}" for cell in (str(number), *cells)), "" if ratio <= BAR else " BAR MISSED")
    command_twice()


if __name__ == "__main__":
    main()
