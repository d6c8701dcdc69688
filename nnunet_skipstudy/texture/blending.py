"""Two textures in one image, made alike by a proportion alpha."""

from typing import Any

import numpy as np
import numpy.typing as npt

from nnunet_skipstudy.errors import UserError

DIRECTIONS: tuple[str, ...] = ("foreground", "background")
"""The region that is blended with the other one's texture."""


def check_alpha(alpha: float, name: str = "alpha") -> None:
    """Refuse an alpha that is no proportion. Raises UserError: it lies outside 0 ... 1 or is NaN."""
    if not 0 <= alpha <= 1:
        raise UserError(f"{name} {alpha:g} is out of range; give a proportion from 0 (unlike) to 1 (alike)")


def blend(
    foreground: npt.NDArray[np.float64],
    background: npt.NDArray[np.float64],
    mask: npt.NDArray[Any],
    *,
    alpha: float,
    direction: str = "foreground",
) -> npt.NDArray[np.float64]:
    """An image whose object (mask non-zero) and background differ less the higher alpha is: higher = harder.

    - ``"foreground"``: object = (1 - alpha) foreground + alpha background, around it the background as it is;
    - ``"background"``: object = foreground as it is, around it (1 - alpha) background + alpha foreground.

    At alpha 0 both give the foreground's texture on the background's; at 1 one texture is everywhere, and the
    object can't be seen. Between them the blended region has less contrast than either texture.

    Args:
        foreground: the object's texture, (row, column), any unit.
        background: the texture around it, same shape and unit.
        mask: same shape; non-zero is the object.
        alpha: proportion, 0 ... 1.
        direction: one of ``DIRECTIONS``.

    Raises:
        UserError: alpha out of range, unknown direction, shapes that differ.
    """
    check_alpha(alpha)
    if direction not in DIRECTIONS:
        raise UserError(f"blending direction {direction!r}; choose one of {', '.join(DIRECTIONS)}")
    if not foreground.shape == background.shape == mask.shape:
        raise UserError(
            f"foreground {foreground.shape}, background {background.shape} and mask {mask.shape} differ in "
            "shape; give three of one shape"
        )
    if direction == "foreground":
        return np.where(mask != 0, (1 - alpha) * foreground + alpha * background, background)
    return np.where(mask != 0, foreground, (1 - alpha) * background + alpha * foreground)
