"""Converting a download against the plain cost of reading the same files and writing the same data set.

The plain cost decodes each image and mask of the download once, and encodes (or copies, where the converter does) each
image and label map of the data set, the four perturbed copies included, as a script would: with SimpleITK's reader and
compressing writer, and scikit-image's. Beyond it the conversion compares checksums, and makes texture disparity,
perturbation and duplicates; its own writer is faster. Both in turns with one worker, in processor time, so that other
people's load counts less; and the time on the clock with one worker and with two.

Bar: a Spleen-like conversion takes at most 1.7 times the plain cost.
"""

import argparse
import contextlib
import io
import os
import shutil
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
from skimage.io import imread, imsave

from nnunet_skipstudy import cli
from nnunet_skipstudy.nnunet.images import write_image

Download = tuple[str, Path, str]
"""The converter, the download's folder, and the pattern of the files in it that are copied as they are."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=120, help="flat images (120)")
    parser.add_argument("--volumes", type=int, default=12, help="volumes (12)")
    parser.add_argument("--rounds", type=int, default=3, help="measurements of each (3)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for variable in ("nnUNet_raw", "nnUNet_preprocessed", "nnUNet_results"):
            os.environ[variable] = str(root / variable)
        for download, what in (
            (flat_images(root, arguments.images), f"BUSI-like, {arguments.images} images of 480 x 560"),
            (volumes(root, arguments.volumes), f"Spleen-like, {arguments.volumes} volumes of 40 x 256 x 256"),
        ):
            compare(download, what, root, arguments.rounds)


def compare(download: Download, what: str, root: Path, rounds: int) -> None:
    """Time both in turns, after one conversion that compiles what is compiled."""
    convert(download, root, 1)
    dataset = next((root / "nnUNet_raw").iterdir())
    plain, ours, one, two = [], [], [], []
    for _ in range(rounds):
        plain.append(read_and_write(download, dataset, root / "plain"))
        cpu, clock = convert(download, root, 1)
        ours.append(cpu)
        one.append(clock)
        two.append(convert(download, root, 2)[1])
    n_written = sum(path.name.endswith((".png", ".nii.gz")) for path in dataset.rglob("*"))
    shutil.rmtree(dataset)
    shutil.rmtree(root / "nnUNet_preprocessed")
    reference, seconds = statistics.median(plain), statistics.median(ours)
    print(f"{what}: {len(files_of(download))} files read, {n_written} written")
    print(f"  reading and writing  {reference:7.2f} s of processor time")
    print(f"  conversion           {seconds:7.2f} s of processor time, {seconds / reference:.2f} times that")
    print(f"  on the clock         {statistics.median(one):7.2f} s, with two workers {statistics.median(two):.2f} s")


def convert(download: Download, root: Path, workers: int) -> tuple[float, float]:
    """Processor and clock seconds of a conversion in this process."""
    name, source, _ = download
    cpu, clock = time.process_time(), time.perf_counter()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        assert cli.main(["convert", name, str(source), "--overwrite", "-np", str(workers)]) == 0
    return time.process_time() - cpu, time.perf_counter() - clock


def files_of(download: Download) -> list[Path]:
    """The download's files."""
    return sorted(path for path in download[1].rglob("*") if path.is_file())


def read_and_write(download: Download, dataset: Path, output: Path) -> float:
    """Processor seconds of decoding the download and encoding the data set; its own reading is not timed."""
    written = [path for path in sorted(dataset.rglob("*")) if path.name.endswith((".png", ".nii.gz"))]
    copied = [path for path in written if path.parent.name in ("imagesTr", "imagesTs") and download[2]]
    decoded = {path: plainly_read(path) for path in written if path not in copied}
    start = time.process_time()
    for path in files_of(download):
        plainly_read(path)
    for path in written:
        target = output / path.relative_to(dataset)
        target.parent.mkdir(parents=True, exist_ok=True)
        if path not in decoded:
            shutil.copyfile(path, target)
        elif path.suffix == ".gz":
            sitk.WriteImage(decoded[path], str(target), True)
        else:
            imsave(target, decoded[path], check_contrast=False)
    seconds = time.process_time() - start
    shutil.rmtree(output)
    return seconds


def plainly_read(path: Path) -> Any:
    """Decode a file as a script would."""
    if path.suffix != ".gz":
        return imread(path)
    image = sitk.ReadImage(str(path))
    sitk.GetArrayFromImage(image)
    return image


def scene(shape: tuple[int, ...], rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Noise, smoother within an ellipse; and the ellipse."""
    from scipy.ndimage import gaussian_filter

    rows, columns = shape[-2:]
    row, column = np.mgrid[:rows, :columns]
    centre = rng.uniform(0.3, 0.7, 2) * (rows, columns)
    mask = ((row - centre[0]) / (rows * 0.2)) ** 2 + ((column - centre[1]) / (columns * 0.15)) ** 2 < 1
    mask = np.broadcast_to(mask, shape).copy()
    layout = gaussian_filter(rng.normal(0, 1, shape[-2:]), 40)
    noise = gaussian_filter(rng.normal(0, 1, shape), (0,) * (len(shape) - 2) + (1.5, 1.5))
    image = 0.5 + layout / layout.std() * 0.15 + noise * np.where(mask, 0.1, 0.3)
    return np.clip(image, 0, 1), mask


def flat_images(root: Path, count: int) -> Download:
    """BUSI's layout."""
    folder, rng = root / "busi", np.random.default_rng(0)
    for number in range(1, count // 2 + 1):
        for kind in ("benign", "malignant"):
            image, mask = scene((480, 560), rng)
            write_image(folder / kind / f"{kind} ({number}).png", np.rint(image * 255).astype(np.uint8))
            write_image(folder / kind / f"{kind} ({number})_mask.png", mask.astype(np.uint8) * np.uint8(255))
    return "busi", folder, ""


def volumes(root: Path, count: int) -> Download:
    """The Decathlon's layout."""
    folder, rng = root / "spleen", np.random.default_rng(0)
    for number in range(1, count + 1):
        image, mask = scene((40, 256, 256), rng)
        write_image(folder / "imagesTr" / f"spleen_{number}.nii.gz", np.rint(image * 900 - 300).astype(np.int16))
        write_image(folder / "labelsTr" / f"spleen_{number}.nii.gz", mask.astype(np.uint8))
    return "spleen", folder, "imagesTr/*"


if __name__ == "__main__":
    main()
