"""Perturbation of test images: the study's four levels, controlled ones and any others, drawn, recorded, applied apart.

Drawn: :func:`case_seed` gives the seed of one case at one level. Recorded: the seed and the perturbation's text
(``speckle:variance=0.1``) stand in a row of perturbations.csv. Applied: :func:`perturb` on the image, the mask
and a generator of that seed; :func:`replay` does it from the row.
"""

import re
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

import numpy as np
import numpy.typing as npt

from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.registry import BOTH, DISTORTION, DRAWN_ALIKE, SHAM, SHAMMED, TEXTURE, UNPERTURBED
from nnunet_skipstudy.texture.background_blur import blur_background
from nnunet_skipstudy.texture.blur_elsewhere import blur_elsewhere
from nnunet_skipstudy.texture.patterns import SIDE_PX
from nnunet_skipstudy.texture.planes import flat_parts
from nnunet_skipstudy.texture.sham import sham
from nnunet_skipstudy.texture.speckle import speckle
from nnunet_skipstudy.texture.texture_blend import blend_texture

Array = npt.NDArray[Any]
Scaled = npt.NDArray[np.float64]
Inside = npt.NDArray[np.bool_]
LEVEL_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True)
class Kind:
    """One way to perturb an image."""

    parameter: str  # its strength's name, with the unit
    weakest: float  # a strength that hardly shows; strongest: one beyond which nothing is left to perturb
    strongest: float
    most: float  # the largest strength that is taken; beyond it, it only takes longer
    # (scaled image, inside, strength, rng) to scaled image; both in 0 ... 1, flat
    apply: Callable[[Scaled, Inside, float, np.random.Generator], Scaled]
    object_kept: bool  # the pixels inside the mask stay as they are, to the bit
    # it is applied only to see how large its error is, and the image gets a sham of that error instead
    sham: bool = False


def _blur_background_256(scaled: Scaled, inside: Inside, strength: float, rng: np.random.Generator) -> Scaled:
    rows, columns = (strength * size / SIDE_PX for size in inside.shape)
    return blur_background(scaled, inside, sigma_px=(rows, columns))


KINDS: dict[str, Kind] = {
    "speckle": Kind(
        *("variance", 1e-3, 10.0, 1000.0), lambda x, _, v, rng: speckle(x, rng, variance=v), object_kept=False
    ),
    "blur_background": Kind(
        *("sigma_px", 0.25, 64.0, 512.0), lambda x, its, s, _: blur_background(x, its, sigma_px=s), object_kept=True
    ),
    "speckle_256": Kind(
        *("variance", 1e-3, 10.0, 1000.0),
        lambda x, _, v, rng: speckle(x, rng, variance=v, grains=SIDE_PX),
        object_kept=False,
    ),
    "blur_background_256": Kind("sigma_px", 0.25, 64.0, 512.0, _blur_background_256, object_kept=True),
    "blur_elsewhere": Kind(
        *("leak", 1e-3, 0.5, 1.0), lambda x, its, leak, rng: blur_elsewhere(x, its, rng, leak=leak), object_kept=True
    ),
    "blend": Kind(
        *("alpha", 0.02, 1.0, 1.0), lambda x, its, a, rng: blend_texture(x, its, rng, alpha=a), object_kept=False
    ),
}
"""Every kind of perturbation by name."""
KINDS |= {f"{SHAM}{name}": replace(kind, sham=True) for name, kind in KINDS.items()}


@dataclass(frozen=True)
class Perturbation:
    """A kind of perturbation and its strength; checked when made.

    Its text, ``speckle:variance=0.1``, is what commands take and tables hold; ``Perturbation.parse(str(p)) == p``.
    ``axis`` is that of (slice, row, column) across which the planes of a volume lie that are perturbed one by one;
    where it is not the first, the text says so: ``speckle:variance=0.1,axis=2``. ``then`` is what the result is
    perturbed with in turn, across the same axis: ``blend:alpha=0.5+sham_speckle:variance=0.1``.

    Raises:
        UserError: no such kind or axis, or a strength that is negative, too large or no number.

    Example:
        >>> from nnunet_skipstudy import Perturbation
        >>> str(Perturbation("speckle", 0.1)), Perturbation.parse("blur_background:sigma_px=3").strength
        ('speckle:variance=0.1', 3.0)
    """

    kind: str
    strength: float
    axis: int = 0
    then: "Perturbation | None" = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise UserError(f"no perturbation {self.kind!r}; choose one of {', '.join(KINDS)}")
        if not 0 <= self.strength <= KINDS[self.kind].most:
            raise UserError(
                f"{self.kind} with {KINDS[self.kind].parameter} {self.strength:g}; "
                f"give 0 or a positive number up to {KINDS[self.kind].most:g}"
            )
        if self.axis not in (0, 1, 2):
            raise UserError(f"{self.kind} across axis {self.axis}; a volume has the axes 0, 1 and 2")

    def __str__(self) -> str:
        across = f",axis={self.axis}" if self.axis else ""
        afterwards = f"+{self.then}" if self.then else ""
        strength = repr(float(self.strength)).removesuffix(".0")
        return f"{self.kind}:{KINDS[self.kind].parameter}={strength}{across}{afterwards}"

    @classmethod
    def parse(cls, text: str) -> "Perturbation":
        """The perturbation that a text like ``blur_background:sigma_px=3`` stands for. Raises UserError: it is none."""
        text, *others = re.split(r"\+(?=[a-z]\w*:)", text, maxsplit=1)
        kind, _, setting = text.partition(":")
        if kind not in KINDS:
            raise UserError(f"no perturbation {kind!r}; choose one of {', '.join(KINDS)}")
        then = cls.parse(others[0]) if others else None
        wanted = KINDS[kind].parameter
        strength, comma, axis = setting.partition(",axis=")
        name, _, value = strength.partition("=")
        try:
            if name != wanted or "_" in value:
                raise ValueError
            return cls(kind, float(value), int(axis) if comma else 0, then)
        except ValueError as error:
            raise UserError(f"perturbation {text!r}; write {kind}:{wanted}=NUMBER") from error


STUDY_LEVELS: dict[str, Perturbation] = {
    "hardest": Perturbation("speckle", 0.3),
    "harder": Perturbation("speckle", 0.1),
    "easier": Perturbation("blur_background", 3.0),
    "easiest": Perturbation("blur_background", 7.0),
}
"""The study's perturbed test levels, hardest first."""
NATIVE_LEVELS: dict[str, Perturbation] = {
    level: replace(perturbation, kind=f"{perturbation.kind}_256") for level, perturbation in STUDY_LEVELS.items()
}
"""The same on images of any size: strengths in pixels of 256 x 256, on which TD is taken and the study worked.

On an image of 256 x 256 pixels they are the study's to the bit.
"""
_BLEND, _SHAM = Perturbation("blend", 0.8), Perturbation(f"{SHAM}speckle_256", 0.1)
LEVEL_SETS: dict[str, dict[str, Perturbation]] = {
    "study": STUDY_LEVELS,
    "native": NATIVE_LEVELS,
    "controlled": {
        "hardest_blend": Perturbation("blend", 0.9),
        "harder_blend": Perturbation("blend", 0.5),
        "easier_elsewhere": Perturbation("blur_elsewhere", 0.03),
        "easiest_elsewhere": Perturbation("blur_elsewhere", 0.05),
    },
    "factorial": {TEXTURE: _BLEND, DISTORTION: _SHAM, BOTH: replace(_BLEND, then=_SHAM)},
}
"""Sets of levels by name; of levels of one name, the last one is what the name alone stands for."""
_IN_SETS = {name: made for levels in LEVEL_SETS.values() for name, made in levels.items()}
KNOWN_LEVELS: dict[str, Perturbation] = {
    **_IN_SETS,
    **{f"{SHAM}{name}": replace(_IN_SETS[name], kind=f"{SHAM}{_IN_SETS[name].kind}") for name in SHAMMED},
}
"""The levels whose name alone says how they are made."""


def parse_level(text: str) -> tuple[str, Perturbation]:
    """The name and the perturbation of a level: ``mine:speckle:variance=0.2``, or the name alone of a known one.

    Raises:
        UserError: it is none.
    """
    level, colon, perturbation = text.partition(":")
    if text in KNOWN_LEVELS:
        return text, KNOWN_LEVELS[text]
    if not colon:
        raise UserError(
            f"level {text!r}; write NAME:KIND:PARAMETER=NUMBER, such as harder:speckle:variance=0.1, or one of "
            f"{', '.join(KNOWN_LEVELS)}"
        )
    check_level_name(level)
    return level, Perturbation.parse(perturbation)


def check_level_name(level: str) -> None:
    """Refuse a level's name that can't be a folder's, or is taken. Raises UserError: it is one of these."""
    if not LEVEL_NAME.fullmatch(level):
        raise UserError(f"level name {level!r}; use letters, digits, -, _ and .")
    if level == UNPERTURBED:
        raise UserError(f"level name {level!r} is that of the images as they are; give another one")


def case_seed(seed: int, level: str, case: str) -> int:
    """The seed of one case at one level: of these three alone; below 2**48, so that it survives a spreadsheet."""
    digest = sha256(f"{seed}/{level}/{case}".encode()).digest()
    return int.from_bytes(digest[:6], "big")


def drawn_as(level: str, perturbation: Perturbation) -> str:
    """The name of the level whose seeds a level has: of a sham that of what it is the sham of (``sham_harder``).

    So a sham has the PSNR of the very images of that level; levels of one set share what is drawn.
    """
    if KINDS[perturbation.kind].sham and level.startswith(SHAM):
        level = level.removeprefix(SHAM)
    return DRAWN_ALIKE.get(level, level)


def perturb(image: Array, mask: Array, perturbation: Perturbation, rng: np.random.Generator) -> Array:
    """The image with a perturbation applied, at its own range and data type.

    The image is scaled to 0 ... 1 by its own smallest and largest value, perturbed and scaled back; integers are
    rounded to the nearest, and no value leaves the image's own range. So it doesn't matter whether an image
    comes in Hounsfield units, 8 bits or fractions; but one extreme pixel weakens the speckle of all others,
    and pixels of the smallest value have none. A volume is perturbed plane by plane, across the perturbation's axis
    (see :func:`~nnunet_skipstudy.texture.planes.planes`), within the range of the whole volume. A flat image, in
    which all values are equal, stays as it is.

    Where nnU-Net keeps the channels of a case in several files, each is perturbed with its own range and with a
    fresh generator of the case's seed, so that all have the same noise, as the channels of a colour image do.

    Args:
        image: (row, column), (slice, row, column) or, beside a mask of one dimension less, a colour image
            (row, column, 3) or (row, column, 4), whose fourth channel (opacity) stays as it is. Any integer or
            floating-point type, finite. Not altered.
        mask: the image's shape without channels; non-zero is the object.
        perturbation: what to apply; with strength 0 nothing changes but for rounding of floating-point values.
        rng: where speckle is drawn; blur draws nothing.

    Returns:
        A new array of the image's shape and data type.

    Raises:
        UserError: shapes that don't fit, or pixels that are no finite real numbers.

    Example:
        >>> import numpy as np
        >>> from skimage import data
        >>> from nnunet_skipstudy import Perturbation, perturb
        >>> image, mask = data.camera(), np.zeros((512, 512), bool)
        >>> noisy = perturb(image, mask, Perturbation("speckle", 0.1), np.random.default_rng(0))
        >>> noisy.dtype, bool((noisy != image).any())
        (dtype('uint8'), True)
    """
    image, inside = np.asarray(image), np.asarray(mask) != 0
    check_image_and_mask(image, inside)
    if perturbation.then is None:
        return _perturbed(image, inside, perturbation, rng)
    first = _perturbed(image, inside, perturbation, deepcopy(rng))  # each draws as it would alone
    return perturb(first, mask, replace(perturbation.then, axis=perturbation.axis), rng)


def _perturbed(image: Array, inside: Inside, perturbation: Perturbation, rng: np.random.Generator) -> Array:
    kind = KINDS[perturbation.kind]
    result = image.copy()
    coloured = image[..., :3] if image.shape != inside.shape else image
    low, high = (float(extreme) for extreme in (coloured.min(), coloured.max()))
    if low == high:
        return result
    parts = zip(*(flat_parts(array, inside, perturbation.axis) for array in (image, result)), strict=True)
    for (part, its_inside), (target, _) in parts:
        scaled = (part.astype(np.float64) - low) / (high - low)
        values = kind.apply(scaled, its_inside, perturbation.strength, rng) * (high - low) + low
        if image.dtype.kind != "f":
            values = np.rint(values)
        values = np.clip(values, low, high).astype(image.dtype)
        if kind.object_kept:
            outside = ~its_inside
            target[outside] = values[outside]
        else:
            target[...] = values
    if kind.sham:
        within = result if image.shape == inside.shape else result[..., :3]
        within[...] = _sham(coloured, within, low, high)
    return result


def _sham(image: Array, other: Array, low: float, high: float) -> Array:
    """The sham of another version of an image whose values go from low to high."""

    def back(scaled: Scaled) -> Scaled:
        values = scaled * (high - low) + low
        return np.asarray(np.rint(values) if image.dtype.kind != "f" else values)

    before, after = ((array.astype(np.float64) - low) / (high - low) for array in (image, other))
    return back(sham(before, after, lambda scaled: (back(scaled) - low) / (high - low))).astype(image.dtype)


def psnr_db(image: Array, perturbed: Array, mask: Array) -> float:
    """The peak signal-to-noise ratio of a perturbed image, in dB over the unperturbed image's own range.

    The lower, the more distorted; infinite where nothing has changed. Opacity doesn't count. Shapes as for
    :func:`perturb`.
    """
    before, after = (
        np.asarray(array[..., :3] if array.shape != mask.shape else array, dtype=np.float64)
        for array in (image, perturbed)
    )
    error = float(((after - before) ** 2).mean())
    return 10 * float(np.log10(float(np.ptp(before)) ** 2 / error)) if error else float("inf")


def replay(image: Array, mask: Array, row: Mapping[str, Any]) -> Array:
    """The image perturbed as a row of perturbations.csv says, equal to the bit to the one that was written.

    The image is unperturbed (one channel's, where the channels are files); the row has ``parameters`` (a perturbation's
    text) and ``seed``.

    Raises:
        UserError: the row doesn't say it.
    """
    try:
        seed, text = int(row["seed"]), str(row["parameters"])
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(
            f"row {dict(row)!r}: no perturbation to replay; give 'parameters' and a whole number as 'seed'"
        ) from error
    return perturb(image, mask, Perturbation.parse(text), np.random.default_rng(seed))


def check_image_and_mask(image: Array, mask: Array) -> None:
    """Refuse an image and a mask that don't belong together, naming what was got.

    Raises:
        UserError: shapes that don't fit, or pixels that are no finite real numbers.
    """
    flat_or_volume = image.ndim in (2, 3) and image.shape == mask.shape
    colour = mask.ndim == 2 and image.ndim == 3 and image.shape[:2] == mask.shape and image.shape[2] in (3, 4)
    if not (flat_or_volume or colour):
        raise UserError(
            f"image of shape {image.shape} with a mask of shape {mask.shape}; give (rows, columns), (slices, rows, "
            "columns) or (rows, columns, 3) with the mask that belongs to it, one file a channel"
        )
    if image.size == 0:
        raise UserError(f"image of shape {image.shape} has no pixels; leave it out")
    if image.dtype.kind not in "uif":
        raise UserError(f"image of data type {image.dtype}; give integers or floating-point numbers")
    if image.dtype.kind == "f" and not np.isfinite(image).all():
        raise UserError("image has pixels that are NaN or infinite; replace them first")
