"""The five downloads in miniature, in their publishers' exact layout, with their publishers' mess."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from PIL import Image as Picture

DIRECTION = (-1.0, 0.0, 0.0, 0.0, 0.8, -0.6, 0.0, 0.6, 0.8)
"""Flipped in x and turned about it: a geometry that must not get lost."""


def textured(shape: tuple[int, ...], rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A smooth object on rough ground, 0 ... 1, and its mask; the object lies in the upper left quarter, off centre."""
    rows, columns = shape[-2:]
    row, column = np.mgrid[:rows, :columns]
    centre = (rows * rng.uniform(0.3, 0.4), columns * rng.uniform(0.28, 0.4))
    mask = ((row - centre[0]) / (rows * 0.22)) ** 2 + ((column - centre[1]) / (columns * 0.17)) ** 2 < 1
    mask = np.broadcast_to(mask, shape).copy()
    ground = rng.uniform(0, 1, shape)
    coarse = rng.uniform(0.1, 0.9, (*shape[:-2], rows // 6 + 1, columns // 6 + 1))
    smooth = np.repeat(np.repeat(coarse, 6, axis=-2), 6, axis=-1)[..., :rows, :columns]
    strength = rng.uniform(0.2, 0.9)
    image = np.where(mask, smooth, smooth * (1 - strength) + ground * strength)
    return image, mask


def save(path: Path, array: np.ndarray, mode: str | None = None) -> None:
    """Write a flat picture, converted to one of Pillow's modes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = Picture.fromarray(array)
    (picture if mode is None else picture.convert(mode)).save(path)


def rubbish(folder: Path, *names: str) -> None:
    """What operating systems leave behind."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in (".DS_Store", "Thumbs.db", *names):
        (folder / name).write_bytes(b"\x00rubbish")


BUSI_MODES = ("RGB", "RGBA", "L", "P")


def busi(
    folder: Path, *, benign: int = 10, malignant: int = 8, normal: int = 2, shape: tuple[int, int] = (70, 90)
) -> Path:
    """``Dataset_BUSI_with_GT`` under a folder; benign 2 has three masks, benign 3 a colour mask.

    Malignant 2 is benign 1; malignant 3 is malignant 4, brighter and noisier. Sizes vary; normal masks are empty.
    """
    top = folder / "Dataset_BUSI_with_GT"
    rng = np.random.default_rng(1)
    pixels: dict[tuple[str, int], tuple[np.ndarray, np.ndarray]] = {}
    for kind, count in (("benign", benign), ("malignant", malignant), ("normal", normal)):
        for number in range(1, count + 1):
            image, mask = textured((shape[0] + number % 3, shape[1] + number % 4), rng)
            pixels[kind, number] = np.rint(image * 255).astype(np.uint8), mask & (kind != "normal")
    if malignant >= 4:
        pixels["malignant", 2] = pixels["benign", 1]
        image, mask = pixels["malignant", 4]
        noisy = image * 0.8 + 30 + rng.normal(0, 3, image.shape)
        pixels["malignant", 3] = np.clip(noisy, 0, 255).astype(np.uint8), mask
    for (kind, number), (image, mask) in pixels.items():
        stem = top / kind / f"{kind} ({number})"
        save(stem.with_name(f"{stem.name}.png"), image, BUSI_MODES[number % 4])
        mask = mask * np.uint8(255)
        if (kind, number) == ("benign", 2):
            middle = int(np.flatnonzero(mask.any(axis=0)).mean())
            parts = [mask.copy(), mask.copy(), np.zeros_like(mask)]
            parts[0][:, middle:] = 0
            parts[1][:, :middle] = 0
            parts[2][-5:, -7:] = 255
            for part, suffix in zip(parts, ("_mask", "_mask_1", "_mask_2"), strict=True):
                save(stem.with_name(f"{stem.name}{suffix}.png"), part, "L")
        else:
            save(stem.with_name(f"{stem.name}_mask.png"), mask, {3: "RGB", 4: "RGBA", 5: "1"}.get(number, "L"))
    for kind in ("benign", "malignant"):
        rubbish(top / kind, "notes.txt", f"._{kind} (1).png")
    return top


def _pixels(rng: np.random.Generator, number: int) -> tuple[np.ndarray, np.ndarray]:
    image, mask = textured((70 + number % 3, 90 + number % 4), rng)
    return np.rint(image * 255).astype(np.uint8), mask * np.uint8(255)


def busbra(folder: Path, *, patients: int = 12) -> Path:
    """``BUSBRA`` with two views of each patient, the table's rows in another order than the files."""
    top, rng, rows = folder / "BUSBRA", np.random.default_rng(1), list[str]()
    for number in range(1, patients + 1):
        for side in "lr":
            image, mask = _pixels(rng, number)
            view = f"{number:04d}-{side}"
            save(top / "Images" / f"bus_{view}.png", image, BUSI_MODES[number % 3])
            save(top / "Masks" / f"mask_{view}.png", mask)
            kind = "malignant" if number % 3 == 0 else "benign"
            rows.insert(0, f"bus_{view},{number},,{kind},4,GE,90,70,{side},1")
    header = "ID,Case,Histology,Pathology,BIRADS,Device,Width,Height,Side,BBOX"
    (top / "bus_data.csv").write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    (top / "5-fold-cv.csv").write_text("ID,Pathology,kFold\n", encoding="utf-8")
    rubbish(top / "Images", "._bus_0001-l.png")
    return top


def breast(folder: Path, *, cases: int = 16) -> Path:
    """One image a case; case 2 has two tumours' masks, case 3 another finding, case 4 none."""
    top, rng = folder / "BrEaST-Lesions_USG-images_and_masks", np.random.default_rng(2)
    for number in range(1, cases + 1):
        image, mask = _pixels(rng, number)
        save(top / f"case{number:03d}.png", image, BUSI_MODES[number % 3])
        if number == 4:
            continue
        save(top / f"case{number:03d}_tumor.png", mask)
        if number in (2, 3):
            other = np.zeros_like(mask)
            other[-6:, -8:] = 255
            save(top / (f"case{number:03d}_tumor2.png" if number == 2 else f"case{number:03d}_other1.png"), other)
    return top


GLAS_HEADER = "name,patient ID, grade (GlaS), grade (Sirinukunwattana et al. 2015)"
GLAS_PATIENTS: dict[str, tuple[int, ...]] = {
    "train": (1, 1, 2, 2, 3, 3, 4, 5, 6, 7, 8, 8),
    "testA": (2, 3, 9, 10),
    "testB": (1, 11, 11),
}
"""Patient 1 is in train and test B, 2 and 3 in train and test A, as patients are in the real table."""


def glas(
    folder: Path, *, shape: tuple[int, int] = (52, 78), patients: dict[str, tuple[int, ...]] | None = None
) -> Path:
    """``Warwick QU Dataset (Released 2016_07_08)`` under a folder; instance labels, old Macintosh line ends."""
    top = folder / "Warwick QU Dataset (Released 2016_07_08)"
    rng = np.random.default_rng(2)
    lines = [GLAS_HEADER]
    for name, its_patients in (patients or GLAS_PATIENTS).items():
        for number, patient in enumerate(its_patients, 1):
            image, mask = textured(shape, rng)
            second = np.zeros_like(mask)
            second[-12:-4, -20:-8] = True
            tint = np.array([0.9, 0.5, 0.7])
            save(top / f"{name}_{number}.bmp", np.rint(image[..., None] * tint * 255).astype(np.uint8))
            save(top / f"{name}_{number}_anno.bmp", (mask * 1 + second * 2).astype(np.uint8))
            lines.append(f"{name}_{number}, {patient} , {'benign' if patient % 2 else 'malignant'}, adenomatous")
    (top / "Grade.csv").write_bytes(("\ufeff" + "\r".join(lines) + "\r").encode())
    rubbish(top, "._train_1.bmp", "readme.txt")
    return top


def save_volume(
    path: Path,
    array: np.ndarray,
    spacing: tuple[float, float, float],
    direction: Sequence[float] = DIRECTION,
    origin: Sequence[float] = (11.5, -7.25, 3.0),
) -> None:
    """Write a volume with a geometry; ``spacing`` is (x, y, z)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = sitk.GetImageFromArray(array)
    image.SetSpacing(spacing)
    image.SetOrigin(origin)
    image.SetDirection(direction)
    sitk.WriteImage(image, str(path))


ACDC_GROUPS = ("NOR", "MINF", "DCM", "HCM", "RV")


def acdc(
    folder: Path,
    *,
    training: int = 10,
    testing: int = 2,
    testing_labels: bool = True,
    shape: tuple[int, int, int] = (3, 44, 36),
) -> Path:
    """``ACDC/database`` under a folder; patient002's Info.cfg is ``info.cfg`` and has a byte order mark."""
    top = folder / "ACDC" / "database"
    rng = np.random.default_rng(3)
    for official, numbers in (("training", range(1, training + 1)), ("testing", range(101, 101 + testing))):
        for number in numbers:
            name = f"patient{number:03d}"
            place = top / official / name
            end_systole = 7 + number % 5
            for frame in (1, end_systole):
                image, mask = textured(shape, rng)
                label = np.zeros(shape, np.uint8)
                label[mask] = 1
                label[:, :, : shape[2] // 3][mask[:, :, : shape[2] // 3]] = 2
                label[:, : shape[1] // 3][mask[:, : shape[1] // 3]] = 3
                stem = place / f"{name}_frame{frame:02d}"
                save_volume(
                    stem.with_name(f"{stem.name}.nii.gz"), np.rint(image * 900).astype(np.int16), (1.5, 1.5, 8.0)
                )
                if official == "training" or testing_labels:
                    save_volume(stem.with_name(f"{stem.name}_gt.nii.gz"), label, (1.5, 1.5, 8.0))
            cine = sitk.JoinSeries([sitk.ReadImage(str(place / f"{name}_frame01.nii.gz"))] * 2)
            sitk.WriteImage(cine, str(place / f"{name}_4d.nii.gz"))
            odd = number == 2
            (place / ("info.cfg" if odd else "Info.cfg")).write_text(
                f"ED: 1\nES: {end_systole}\nGroup: {ACDC_GROUPS[number % 5]}\nHeight: 184.0\nNbFrame: 30\n",
                encoding="utf-8-sig" if odd else "utf-8",
            )
            rubbish(place, "MANDATORY_CITATION.md")
    return top


def decathlon(
    folder: Path, task: str, prefix: str, *, cases: int = 12, shape: tuple[int, int, int] = (5, 44, 36)
) -> Path:
    """A task of the Decathlon under a folder; identifiers have gaps, macOS files lie about, imagesTs has no labels."""
    top = folder / task
    rng = np.random.default_rng(4)
    numbers = [2 + 3 * n + n % 2 for n in range(cases)]
    for number in numbers:
        image, mask = textured(shape, rng)
        mask[0] = False  # a slice without foreground
        hounsfield = np.rint(image * 600 - 250).astype(np.int16)
        name = f"{prefix}_{number}.nii.gz"
        save_volume(top / "imagesTr" / name, hounsfield, (0.8, 0.7, 5.0))
        save_volume(top / "labelsTr" / name, mask.astype(np.uint8), (0.8, 0.7, 5.0))
        for part in ("imagesTr", "labelsTr"):
            (top / part / f"._{name}").write_bytes(b"\x00\x05\x16\x07")
    save_volume(top / "imagesTs" / f"{prefix}_1.nii.gz", hounsfield, (0.8, 0.7, 5.0))
    (top / "dataset.json").write_text('{"name": "' + task + '"}')
    rubbish(top)
    return top


DOWNLOADS: dict[str, Callable[[Path], Path]] = {
    "busi": busi,
    "busbra": busbra,
    "breast": breast,
    "glas": glas,
    "acdc": acdc,
    "spleen": lambda folder: decathlon(folder, "Task09_Spleen", "spleen"),
    "heart": lambda folder: decathlon(folder, "Task02_Heart", "la"),
}
"""Each converter's download, made under a folder; gives its topmost folder."""


def truncate(path: Path, part: float = 0.7) -> Path:
    """Cut a file's end off."""
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * part)])
    return path
