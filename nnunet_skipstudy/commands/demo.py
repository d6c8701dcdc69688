"""``skipstudy demo``: the whole study in small."""

from pathlib import Path

from nnunet_skipstudy.parser import Parser
from nnunet_skipstudy.registry import ARCHITECTURES, STUDY_ARCHITECTURES


def main(argv: list[str]) -> int:
    """Run the demo, print its table and where the report lies."""
    parser = Parser(
        prog="skipstudy demo",
        description="Make synthetic textures, train the study's six networks on them with nnU-Net, predict test "
        "images of graded difficulty, and write a report. Sized for 2 CPU cores. The same command again continues "
        "where it stopped.",
    )
    parser.add_argument("-o", dest="root", type=Path, default=Path("demo"), metavar="DIR", help="default: demo")
    parser.add_argument("-device", default="cpu", choices=("cpu", "cuda", "mps"), help="default: cpu")
    parser.add_argument(
        "--architectures",
        nargs="+",
        default=list(STUDY_ARCHITECTURES),
        metavar="NAME",
        help=f"some of {', '.join(ARCHITECTURES)} (default: the study's six)",
    )
    parser.add_argument("--epochs", type=int, default=None, metavar="N", help="epochs of each training")
    parser.add_argument("--iterations", type=int, default=None, metavar="N", help="iterations an epoch")
    parser.add_argument("--seed", type=int, default=None, metavar="N", help="of data, weights and augmentation")
    arguments = vars(parser.parse_args(argv))
    root, device = arguments.pop("root"), arguments.pop("device")

    from nnunet_skipstudy.commands.analyze import print_result
    from nnunet_skipstudy.study.demo import DemoSettings, run_demo

    arguments["architectures"] = tuple(arguments["architectures"])
    settings = DemoSettings(**{name: value for name, value in arguments.items() if value is not None})
    print_result(run_demo(root, settings, device=device))
    return 0
