"""The study's networks: the plan's encoder, and a decoder whose skips follow a policy per level.

``build_network`` is imported on first use, since it needs torch.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nnunet_skipstudy.architectures.network import SkipUNet, build_network

__all__ = ["SkipUNet", "build_network"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        from nnunet_skipstudy.architectures import network

        return getattr(network, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
