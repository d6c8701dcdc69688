"""Do a U-Net's skip connections help or hurt when texture shifts? A plugin for stock nnU-Net v2.

What a notebook needs is here, each name imported when it is first asked for::

    from nnunet_skipstudy import texture_disparity
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nnunet_skipstudy.analysis.pipeline import AnalyzeOptions as AnalyzeOptions
    from nnunet_skipstudy.analysis.pipeline import analyze as analyze
    from nnunet_skipstudy.analysis.published.reproduce import reproduce as reproduce
    from nnunet_skipstudy.architectures.cost import network_cost as network_cost
    from nnunet_skipstudy.architectures.network import build_network as build_network
    from nnunet_skipstudy.metrics import measure_case as measure_case
    from nnunet_skipstudy.registry import ARCHITECTURES as ARCHITECTURES
    from nnunet_skipstudy.registry import METRICS as METRICS
    from nnunet_skipstudy.texture import texture_disparity as texture_disparity
    from nnunet_skipstudy.texture.perturbation import Perturbation as Perturbation
    from nnunet_skipstudy.texture.perturbation import perturb as perturb

__version__ = "0.1.0"

API: dict[str, str] = {
    "texture_disparity": "texture",
    "perturb": "texture.perturbation",
    "Perturbation": "texture.perturbation",
    "build_network": "architectures.network",
    "network_cost": "architectures.cost",
    "measure_case": "metrics",
    "analyze": "analysis.pipeline",
    "AnalyzeOptions": "analysis.pipeline",
    "reproduce": "analysis.published.reproduce",
    "ARCHITECTURES": "registry",
    "METRICS": "registry",
}
"""The module that holds each name."""


def __getattr__(name: str) -> Any:
    if name not in API:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{API[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *API])
