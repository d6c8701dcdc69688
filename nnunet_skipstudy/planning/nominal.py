"""A plan to count with before a data set has one: nnU-Net's 2D plan for 256 x 256 images."""

import functools
import hashlib
import math
import os
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

from nnunet_skipstudy.support.files import read_record, write_json

NOMINAL_SIDE = 256
NOMINAL_STAGES = 7
NOMINAL_FEATURES = 32
NOMINAL_BATCH = 12
MOST_FEATURES = 512
CLASS_NAME = "dynamic_network_architectures.architectures.unet.PlainConvUNet"
REQUIRES_IMPORT = ["conv_op", "norm_op", "dropout_op", "nonlin"]


def nominal_plan(n_stages: int = NOMINAL_STAGES, features: int = NOMINAL_FEATURES) -> dict[str, Any]:
    """What nnU-Net 2.8's plans say of a plain 2D network.

    ``features``: channels of the first stage; doubled at each further one, up to 16 times as many (nnU-Net: 512).
    """
    return {
        "n_stages": n_stages,
        "features_per_stage": [
            min(MOST_FEATURES * features // NOMINAL_FEATURES, features * 2**i) for i in range(n_stages)
        ],
        "conv_op": "torch.nn.modules.conv.Conv2d",
        "kernel_sizes": [[3, 3]] * n_stages,
        "strides": [[1, 1]] + [[2, 2]] * (n_stages - 1),
        "n_conv_per_stage": [2] * n_stages,
        "n_conv_per_stage_decoder": [2] * (n_stages - 1),
        "conv_bias": True,
        "norm_op": "torch.nn.modules.instancenorm.InstanceNorm2d",
        "norm_op_kwargs": {"eps": 1e-05, "affine": True},
        "dropout_op": None,
        "dropout_op_kwargs": None,
        "nonlin": "torch.nn.LeakyReLU",
        "nonlin_kwargs": {"inplace": True},
    }


def nominal_network(
    architecture: str,
    *,
    features: int = NOMINAL_FEATURES,
    deep_supervision: bool = True,
    n_stages: int = NOMINAL_STAGES,
) -> Any:
    """A network of the registry on the nominal plan: one channel in, two classes out."""
    from nnunet_skipstudy.architectures.network import build_network

    plan = nominal_plan(n_stages, features)
    return build_network(architecture, CLASS_NAME, plan, REQUIRES_IMPORT, 1, 2, deep_supervision=deep_supervision)


@functools.cache
def nominal_gflop(architecture: str, features: int = NOMINAL_FEATURES, side: int = NOMINAL_SIDE) -> float:
    """Forward GFLOP of a network of the registry on the plan of square images of this side, counted on one of them.

    As in nnU-Net's plans, there are stages down to 4 to 7 pixels, and images are padded to what these can halve.
    Counting takes torch's seconds; so the user's cache folder (XDG_CACHE_HOME) keeps what this code has counted.
    """
    memory, code, key = _memory(), _code(), f"{architecture} {features} {side}"
    kept = read_record(memory)
    known = kept.get("gflop", {}) if kept.get("code") == code else {}
    if key not in known:
        known = {**known, key: _counted_gflop(architecture, features, side)}
        with suppress(OSError):
            write_json(memory, {"code": code, "gflop": known})
    return float(known[key])


def _memory() -> Path:
    caches = os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()
    return Path(caches) / "nnunet_skipstudy" / "gflop.json"


def _code() -> str:
    """The hash of what builds and counts networks."""
    own = [Path(__file__), *sorted(Path(__file__).parents[1].glob("architectures/*.py"))]
    libraries = " ".join(map(version, ("torch", "dynamic-network-architectures", "nnunetv2")))
    return hashlib.sha256(b"".join([libraries.encode(), *(path.read_bytes() for path in own)])).hexdigest()


def _counted_gflop(architecture: str, features: int, side: int) -> float:
    import torch

    from nnunet_skipstudy.architectures.cost import network_cost

    n_stages = max(2, int(math.log2(max(side, 1) / 4)) + 1)
    padded = -(-side // 2 ** (n_stages - 1)) * 2 ** (n_stages - 1)
    with torch.device("meta"):  # weights that are never drawn
        network = nominal_network(architecture, features=features, n_stages=n_stages)
    return network_cost(network, 1, [padded, padded]).forward_flops / 1e9
