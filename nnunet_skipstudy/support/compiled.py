"""Machine code from Python functions, kept on disk where that is possible."""

from collections.abc import Callable
from typing import TypeVar, cast

import numba

F = TypeVar("F", bound=Callable[..., object])


def compiled(function: F) -> F:
    """The function compiled on its first call, releasing Python's lock so that threads run side by side.

    The machine code is kept beside the source, or where that can't be written to, in the user's cache folder
    (numba's NUMBA_CACHE_DIR sets another one). Where neither can be written to it is made again in each process.
    No floating-point rule is relaxed: sums and products are those that the source says, in its order.
    """
    try:
        made = numba.njit(nogil=True, cache=True)(function)
    except RuntimeError:  # numba: no locator available
        made = numba.njit(nogil=True)(function)
    return cast(F, made)
