"""Do a U-Net's skip connections help or hurt when texture shifts? A plugin for stock nnU-Net v2.

What a notebook needs is here, each name imported when it is first asked for::

    from nnunet_skipstudy import texture_disparity
"""

import importlib
from typing import Any

from nnunet_skipstudy.support.version import __version__ as __version__

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
"""The module that holds each name; ``__init__.pyi`` tells type checkers and editors the same."""


def __getattr__(name: str) -> Any:
    if name not in API:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{API[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *API])
