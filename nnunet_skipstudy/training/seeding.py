"""One seed, and all the random numbers of a training that follow from it."""

import random
from typing import Any

import numpy as np
import torch

AT_START, AT_EPOCH, FOR_WORKER = range(3)
"""The kinds of position: the initial weights, an epoch, an augmenting process."""


def derived_seed(seed: int, *position: int) -> int:
    """A 32-bit seed for one position of a training (an epoch, a worker), independent of all other positions'.

    All numbers are below 2**32: numpy takes larger ones apart, and one of them would be as two.
    """
    return int(np.random.SeedSequence([seed, *position]).generate_state(1)[0])


def seed_everything(seed: int) -> None:
    """Seed Python's, numpy's and torch's global generators, on all devices, with a 32-bit number."""
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


def pin_choices_made_by_timing(transform: Any) -> None:
    """Make an augmentation depend on its random numbers alone.

    nnU-Net's Gaussian blur measures which of two implementations is faster and uses that one; they agree to rounding
    only, so the choice moves results between runs. This switches the measuring off, in nested transforms too.
    """
    if hasattr(transform, "benchmark"):
        transform.benchmark = False
    for part in getattr(transform, "transforms", None) or []:
        pin_choices_made_by_timing(part)
    if (inner := getattr(transform, "transform", None)) is not None:
        pin_choices_made_by_timing(inner)
