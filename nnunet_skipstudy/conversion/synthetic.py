"""Synthetic textures: a textured object on a textured background, made alike by a proportion alpha.

Case number n has the same shape and the same crops at each alpha, in training as in test, so that folds and
test levels are paired. Training and validation crops come from one half of each texture, test crops from the
other, so that no test pixel was seen in training.
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from nnunet_skipstudy.conversion.command import Converter, Made, measure_of
from nnunet_skipstudy.conversion.textures import KINDS, Crop, Region, Texture, cut, draw_crop, halves, load_texture
from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.levels.disparity import rounded, sorted_by, sorting_cells, sorting_texture
from nnunet_skipstudy.nnunet import publishing as folders
from nnunet_skipstudy.nnunet.images import write_image
from nnunet_skipstudy.registry import EXCESS, alpha_level
from nnunet_skipstudy.support.files import sha256_of_file, write_csv
from nnunet_skipstudy.support.parser import Parser
from nnunet_skipstudy.texture.blending import DIRECTIONS, blend, check_alpha
from nnunet_skipstudy.texture.categories import disparity_categories
from nnunet_skipstudy.texture.shapes import (
    SHAPE_PRESETS,
    SMALLEST_IMAGE_PX,
    Shape,
    draw_shape,
    shape_mask,
    shape_preset,
)

ENDING = ".png"
CHANNELS, LABELS = ["grey"], {"background": 0, "object": 1}
ALPHAS: tuple[float, ...] = (0.10, 0.20, 0.30, 0.40, 0.50, 0.60, 0.70, 0.80, 0.90)
PROCEDURAL_SIDE = 4
"""A procedural texture has this many times the rows and columns of an image."""
STREAMS: dict[str, int] = {"train": 0, "validation": 1, "test": 2, "foreground": 3, "background": 4}
"""Each purpose draws from its own stream of random numbers, so that more of one doesn't change another."""

Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class SyntheticOptions:
    """What decides the data set; checked when made.

    Raises:
        UserError: a value is out of its range.
    """

    # the object's and the background's: a name, a picture's path or procedural:STRENGTH
    textures: tuple[str, str] = ("grass", "brick")
    dataset_id: int = 501  # nnU-Net's identifier, 1 ... 999
    name: str = "SyntheticTexture"  # of the data set
    direction: str = "foreground"  # which region is blended, foreground or background
    # proportions trained on, one fold each; 0 ... 1 in steps of 0.01, higher is harder
    alphas: tuple[float, ...] = ALPHAS
    test_alphas: tuple[float, ...] | None = None  # proportions tested on; None for the same
    size: int = 256  # rows and columns of an image, in pixels
    train: int = 70  # number of training images an alpha; val and test likewise
    val: int = 10
    test: int = 20
    shape: str = "smooth"  # one of SHAPE_PRESETS
    seed: int = 0  # of all that is drawn; by: the measure that categories go by, one of TD_MEASURES
    by: str = EXCESS

    def __post_init__(self) -> None:
        shape_preset(self.shape)
        if self.direction not in DIRECTIONS:
            raise UserError(f"blending direction {self.direction!r}; choose one of {', '.join(DIRECTIONS)}")
        _check_alphas("alphas", self.alphas)
        _check_alphas("test alphas", self.levels)
        if self.size < SMALLEST_IMAGE_PX:
            raise UserError(f"image size {self.size}; give at least {SMALLEST_IMAGE_PX} pixels (--size)")
        for count in ("train", "val", "test"):
            if getattr(self, count) < 1:
                raise UserError(f"{getattr(self, count)} images for --{count}; give at least 1")
        if self.seed < 0:
            raise UserError(f"seed {self.seed}; give 0 or a positive number (--seed)")

    @property
    def levels(self) -> tuple[float, ...]:
        """The alphas tested on."""
        return self.alphas if self.test_alphas is None else self.test_alphas


@dataclass(frozen=True)
class Scene:
    """What is drawn for one case number: all of it but alpha."""

    purpose: str
    number: int
    shape: Shape
    foreground: Crop
    background: Crop

    @property
    def group(self) -> str:
        """The images that share this scene, at whichever alpha; they must not straddle a split."""
        return f"{self.purpose}_{self.number:03d}"


@dataclass(frozen=True)
class Sample:
    """One image to be written, with its label."""

    case: str
    alpha: float
    scene: Scene
    folder: str
    label_folder: str


def _check_alphas(name: str, alphas: Sequence[float]) -> None:
    if not alphas:
        raise UserError(f"no {name}; give at least one")
    for alpha in alphas:
        check_alpha(alpha, f"alpha (of the {name})")
        if abs(alpha * 100 - round(alpha * 100)) > 1e-6:
            raise UserError(f"alpha {alpha:g} (of the {name}) is finer than its level's name; give two decimals")
    if len({alpha_level(alpha) for alpha in alphas}) < len(alphas):
        raise UserError(f"the {name} name one proportion twice; give each once")


def convert(options: SyntheticOptions, *, overwrite: bool = False) -> Path:
    """Make the data set in nnU-Net's folders, unless it is there already, and return its folder in nnUNet_raw.

    The same options make the same bytes. Nothing appears under the final names before all is written. ``overwrite``:
    replace a data set of the same identifier and name, and its preprocessed cases.

    Raises:
        UserError: nnU-Net's folders are not set, the identifier is taken, the data set is there with other
            options, or a texture can't be had or is too small.
    """
    target = folders.target_dataset(options.dataset_id, options.name)
    textures = load_textures(options)
    provenance = {
        "converter": "synthetic",
        **{k: v for k, v in asdict(options).items() if k not in ("dataset_id", "name", "textures", "by")},
        "test_alphas": options.levels,
        "textures": [{"name": texture.name, "sha256_pixels": texture.fingerprint} for texture in textures],
        **sorted_by(options.by),
    }
    if folders.is_finished(target, provenance, overwrite=overwrite):
        return target.raw
    with folders.publishing(target, provenance, overwrite=overwrite) as draft:
        bar = tqdm(list(all_samples(options, textures)), desc=target.folder_name, unit="image", disable=None)
        rows = [write_sample(sample, options, textures, draft) for sample in bar]
        for row, category in zip(rows, disparity_categories([row["sorted_value"] for row in rows]), strict=True):
            row["category"] = category
        write_csv(draft.raw / "cases.csv", list(rows[0]), rows)
        folders.write_splits(draft, alpha_folds(options, rows))
        folders.write_dataset_json(
            draft.raw,
            channel_names=CHANNELS,
            labels=LABELS,
            n_training=len(options.alphas) * (options.train + options.val),
            ending=ENDING,
            provenance=provenance,
        )
    return target.raw


def load_textures(options: SyntheticOptions) -> tuple[Texture, Texture]:
    """Foreground's and background's texture. Raises UserError: one can't be had, or is too small to be halved."""
    foreground, background = (
        load_texture(source, side_px=PROCEDURAL_SIDE * options.size, rng=stream(options, role))
        for source, role in zip(options.textures, ("foreground", "background"), strict=True)
    )
    for texture in (foreground, background):
        rows, columns = texture.pixels.shape
        largest = min(min(region.rows, region.columns) for region in halves(rows, columns))
        if largest < options.size:
            raise UserError(
                f"texture {texture.name!r} is {rows} x {columns} pixels; training and test images are cut from a half "
                f"each, which holds {largest} x {largest} at most: give a larger picture or a smaller --size"
            )
    return foreground, background


def stream(options: SyntheticOptions, purpose: str, number: int = 0) -> np.random.Generator:
    """The random numbers of one purpose and case number, which depend on nothing else but the seed."""
    return np.random.default_rng((options.seed, STREAMS[purpose], number))


def draw_scene(options: SyntheticOptions, regions: tuple[Region, Region], purpose: str, number: int) -> Scene:
    """Draw a shape, and a crop out of the foreground's and the background's region."""
    rng = stream(options, purpose, number)
    shape = draw_shape(SHAPE_PRESETS[options.shape], options.size, rng)
    return Scene(purpose, number, shape, *(draw_crop(region, options.size, rng) for region in regions))


def all_samples(options: SyntheticOptions, textures: tuple[Texture, Texture]) -> Iterator[Sample]:
    """Every image of the data set: training and validation an alpha, then test an alpha."""
    parts = [halves(*texture.pixels.shape) for texture in textures]
    learning = (parts[0][0], parts[1][0])
    testing = (parts[0][1], parts[1][1])
    pool = [draw_scene(options, learning, "train", number) for number in range(options.train)]
    pool += [draw_scene(options, learning, "validation", number) for number in range(options.val)]
    tests = [draw_scene(options, testing, "test", number) for number in range(options.test)]
    for alpha in options.alphas:
        for number, scene in enumerate(pool):
            yield Sample(f"alpha{round(alpha * 100):03d}_{number:03d}", alpha, scene, "imagesTr", "labelsTr")
    for alpha in options.levels:
        for scene in tests:
            yield Sample(scene.group, alpha, scene, f"imagesTs_{alpha_level(alpha)}", "labelsTs")


def render(
    scene: Scene, alpha: float, options: SyntheticOptions, textures: tuple[Texture, Texture]
) -> tuple[Pixels, Pixels]:
    """The 8-bit image of a scene at one alpha, and its label (0 background, 1 object)."""
    mask = shape_mask(scene.shape, options.size)
    crops = (scene.foreground, scene.background)
    foreground, background = (
        cut(texture.pixels, crop, options.size) for texture, crop in zip(textures, crops, strict=True)
    )
    image = blend(foreground, background, mask, alpha=alpha, direction=options.direction)
    return np.rint(image * 255).astype(np.uint8), mask.astype(np.uint8)


def write_sample(
    sample: Sample, options: SyntheticOptions, textures: tuple[Texture, Texture], draft: folders.Draft
) -> dict[str, Any]:
    """Write a sample's image and label, and return its row of ``cases.csv`` without the category."""
    scene = sample.scene
    image, label = render(scene, sample.alpha, options, textures)
    path = draft.raw / sample.folder / folders.image_name(sample.case, ENDING)
    write_image(path, image)
    label_path = draft.raw / sample.label_folder / f"{sample.case}{ENDING}"
    if not label_path.exists():  # the levels of a test case share one
        write_image(label_path, label)
    texture, value = sorting_texture(image, label, sample.case, options.by)
    return {
        "case": sample.case,
        "level": alpha_level(sample.alpha),
        "group": scene.group,
        "set": scene.purpose,
        "source": "+".join(texture.name for texture in textures),
        "sha256": sha256_of_file(path),
        "disparity": rounded(texture.value),
        "category": "",
        "alpha": f"{sample.alpha:.2f}",
        "direction": options.direction,
        "shape": options.shape,
        "seed": f"{options.seed}/{STREAMS[scene.purpose]}/{scene.number}",
        **_crop_columns("foreground", scene.foreground),
        **_crop_columns("background", scene.background),
        **sorting_cells(texture, options.by, value),
    }


def _crop_columns(role: str, crop: Crop) -> dict[str, int]:
    return {f"{role}_{field.name}": int(getattr(crop, field.name)) for field in fields(Crop)}


def alpha_folds(options: SyntheticOptions, rows: Sequence[dict[str, Any]]) -> list[folders.Fold]:
    """One fold an alpha, in the alphas' order."""
    folds = []
    for level in map(alpha_level, options.alphas):
        train, val = (
            {row["case"]: row["sorted_value"] for row in rows if (row["level"], row["set"]) == (level, purpose)}
            for purpose in ("train", "validation")
        )
        folds.append(folders.Fold(level, "alpha", tuple(train), tuple(val), min(train.values()), max(train.values())))
    return folds


def add_arguments(parser: Parser) -> None:
    """The textures and what is made of them."""
    defaults, add = SyntheticOptions(), parser.add_argument
    add("textures", nargs="*", metavar="TEXTURES", help="the object's and the background's (default: grass brick)")
    add(
        "--direction",
        default=defaults.direction,
        metavar="|".join(DIRECTIONS),
        help=f"the region that is blended with the other's texture (default: {defaults.direction})",
    )
    add(
        "--alphas",
        nargs="+",
        type=float,
        default=defaults.alphas,
        metavar="ALPHA",
        help="proportions trained on, 0 to 1 in steps of 0.01 (default: 0.10 0.20 ... 0.90)",
    )
    add("--test-alphas", nargs="+", type=float, metavar="ALPHA", help="proportions tested on (default: the same)")
    add("--size", type=int, default=defaults.size, metavar="PX", help="rows and columns (default: 256)")
    for count, what in (("train", "training"), ("val", "validation"), ("test", "test")):
        number = getattr(defaults, count)
        add(f"--{count}", type=int, default=number, metavar="N", help=f"{what} images an alpha (default: {number})")
    add(
        "--shape",
        default=defaults.shape,
        metavar="PRESET",
        help=f"outlines, easiest to hardest: {', '.join(SHAPE_PRESETS)} (default: {defaults.shape})",
    )


def _options(arguments: argparse.Namespace) -> SyntheticOptions:
    given = {name: value for name, value in vars(arguments).items() if name != "overwrite"} | {
        "by": measure_of(arguments)
    }
    textures = tuple(given.pop("textures")) or SyntheticOptions.textures
    if len(textures) != 2:
        got = ", ".join(textures)
        raise UserError(f"got {len(textures)} textures ({got}); give two, the object's and the background's, or none")
    alphas, test_alphas = tuple(given.pop("alphas")), given.pop("test_alphas")
    return SyntheticOptions(
        textures=(textures[0], textures[1]), alphas=alphas, test_alphas=test_alphas and tuple(test_alphas), **given
    )


def promise(arguments: argparse.Namespace) -> folders.Promised:
    """A level a test alpha, a fold an alpha. Raises UserError: the arguments are at fault."""
    options = _options(arguments)
    levels = tuple(alpha_level(alpha) for alpha in options.levels)
    return folders.Promised(levels, len(options.alphas), folders.json_content(CHANNELS, LABELS, ENDING))


def make(arguments: argparse.Namespace) -> Made:
    """Convert as the arguments say. Raises UserError: the arguments or the environment are at fault."""
    options = _options(arguments)
    folder = convert(options, overwrite=arguments.overwrite)
    n_cases = len(options.alphas) * (options.train + options.val)
    content = (
        f"{n_cases} training and validation cases, {len(options.alphas)} folds (one an alpha: folds.csv); "
        f"{options.test} test cases at {len(options.levels)} alphas"
    )
    return Made(folder, content, "2d")


CONVERTER = Converter(
    command="synthetic",
    dataset_id=SyntheticOptions.dataset_id,
    dataset_name=SyntheticOptions.name,
    about="Make an nnU-Net data set of textured objects on textured backgrounds. The proportion\n"
    "alpha says how alike the two are: higher alpha = smaller texture disparity = harder.\n"
    "One fold an alpha in splits_final.json, one folder imagesTs_<level> a test alpha.",
    epilog=f"A texture is {KINDS}.\n"
    "Training and validation images are cut from one half of it, test images from the other: its longer\n"
    "side must have twice the image size. Case number n has the same shape and the same crops at each\n"
    "alpha. The more two strengths differ, the further apart are the procedural textures.\n\n",
    promise=promise,
    make=make,
    add_arguments=add_arguments,
    examples=(
        "skipstudy convert synthetic -d 501",
        "skipstudy convert synthetic gravel photo.jpg --direction background -d 511 --name Photo",
        "skipstudy convert synthetic procedural:0.6 procedural:0 --size 64 -d 512 --name Noise",
    ),
)
