"""What explaining costs: interventions on each single skip of a network at one level, in plain predictions.

The bar: with the passes of both images, each kind of intervention costs at most (number of skips + 2) plain
predictions. Two kinds share what they have in common; the last row is what skipstudy explain patches in all, skips,
decoder inputs and bottleneck. FLOPs are counted, times are the median of some rounds.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from functools import partial

import torch
from torch.utils.flop_counter import FlopCounterMode

from nnunet_skipstudy.architectures.network import build_network
from nnunet_skipstudy.explain.interventions import Images, Intervention, Part, logits_of, parts
from nnunet_skipstudy.explain.passes import OpenNetwork
from nnunet_skipstudy.planning.nominal import CLASS_NAME, REQUIRES_IMPORT, nominal_plan

NAMES = ("UNet", "VNet", "AttentionUNet", "UNetPlusPlus")


def intervened(network: OpenNetwork, kinds: tuple[str, ...], image: torch.Tensor, places: list[Part]) -> None:
    """Passes of two images, and every intervention of these kinds at every place."""
    passes = Images(*network.passes([image, image.flip(-1)]))
    for kind in kinds:
        for part in places:
            logits_of(network, Intervention(kind, part, 0.5), passes, "")


def flops(work: Callable[[], object]) -> int:
    """Floating-point operations of some work."""
    with FlopCounterMode(display=False) as counter:
        work()
    return int(counter.get_total_flops())


def seconds(work: Callable[[], object], rounds: int) -> float:
    """The median time of some work."""
    times = []
    for _ in range(rounds + 1):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times[1:])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=128, help="rows and columns of a tile (128)")
    parser.add_argument("--stages", type=int, default=5, help="stages of the plan (5)")
    parser.add_argument("--rounds", type=int, default=5, help="repetitions (5)")
    arguments = parser.parse_args()
    image = torch.rand(1, 1, arguments.size, arguments.size)
    worst = 0.0
    print(f"{'network':<14} {'interventions':<30} {'FLOPs':>6} {'time':>6}   of plain predictions; bar")
    for name in NAMES:
        plan = (CLASS_NAME, nominal_plan(arguments.stages), REQUIRES_IMPORT, 1, 2)
        whole = build_network(name, *plan, deep_supervision=False).eval()
        network = OpenNetwork(whole)
        bar = len(network.skip_levels) + 2
        with torch.inference_mode():
            plain = partial(whole, image)
            counted, timed = flops(plain), seconds(plain, arguments.rounds)
            skips = [part for part in parts(network) if part.name == "skip"]
            both = ("patch", "reverse")
            for kinds, places in ((("patch",), skips), (("scale",), skips), (both, skips), (both, parts(network))):
                work = partial(intervened, network, kinds, image, places)
                cost, duration = flops(work) / counted, seconds(work, arguments.rounds) / timed
                worst = max(worst, cost / bar if len(kinds) == 1 else 0)
                where, own = ("single skips", bar) if places is skips else ("everywhere", "")
                print(f"{name:<14} {', '.join(kinds) + ', ' + where:<30} {cost:6.2f} {duration:6.2f}   {own}")
    print(f"largest share of the bar, of one kind, in FLOPs: {worst:.2f} ({'met' if worst <= 1 else 'MISSED'})")


if __name__ == "__main__":
    main()
