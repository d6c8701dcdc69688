"""``skipstudy demo``: the whole study in small."""

from pathlib import Path
from typing import Any

from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.nnunet.trainer_name import LARGEST_SEED
from nnunet_skipstudy.registry import ARCHITECTURES, STUDY_ARCHITECTURES
from nnunet_skipstudy.support.files import write_text
from nnunet_skipstudy.support.parser import Parser

ABOUT = (
    "Make synthetic textures, train the study's six networks on them with nnU-Net, predict test images of graded "
    "difficulty, and write a report. Sized for 2 CPU cores. The same command again continues where it stopped. It is a "
    "study like any other: DIR/study.yaml, for 'skipstudy run'."
)


def main(argv: list[str]) -> int:
    """Run the demo, print its table and where the report lies."""
    parser = Parser(prog="skipstudy demo", description=ABOUT)
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
    root = arguments.pop("root")
    chosen = {name: value for name, value in arguments.items() if value is not None}
    _check(chosen)

    from nnunet_skipstudy.commands.convert import CONVERTERS
    from nnunet_skipstudy.commands.run import run
    from nnunet_skipstudy.commands.study_file import open_file
    from nnunet_skipstudy.study.settings import checked_study
    from nnunet_skipstudy.study.templates import demo_text

    text = demo_text(**chosen)
    checked_study(text, "the demo's study", CONVERTERS)  # before a folder is claimed for it
    return run(open_file(_claim(root, text)), "inline")


def _check(chosen: dict[str, Any]) -> None:
    """Refuse what the study's file would refuse under its own names, by those of the options."""
    unknown = [name for name in chosen["architectures"] if name not in ARCHITECTURES]
    if unknown:
        raise UserError(f"architecture {unknown[0]!r}: choose from {', '.join(ARCHITECTURES)}")
    twice = [name for name in chosen["architectures"] if chosen["architectures"].count(name) > 1]
    if twice:
        raise UserError(f"architecture {twice[0]!r} stands twice; keep one of them (--architectures)")
    for count in ("epochs", "iterations"):
        if chosen.get(count, 1) < 1:
            raise UserError(f"{chosen[count]} {count}; give at least 1 (--{count})")
    if chosen.get("seed", 0) < 0:
        raise UserError(f"seed {chosen['seed']}; give 0 or a positive number (--seed)")
    if chosen.get("seed", 0) > LARGEST_SEED:
        raise UserError(f"seed {chosen['seed']}; give at most {LARGEST_SEED} (--seed)")


def _claim(root: Path, text: str) -> Path:
    """Make ``root`` the demo's folder, and give the study's file in it.

    Raises:
        UserError: it holds a demo of other settings, or other things, or can't be made.
    """
    file = root.resolve() / "study.yaml"
    if file.is_file():
        if file.read_text(encoding="utf-8") != text:
            raise UserError(f"{root}: holds a demo of other settings ({file.name}); remove it or give another -o")
        return file
    if root.is_dir() and any(root.iterdir()):
        raise UserError(f"{root}: is not empty and holds no demo; give another -o")
    try:
        write_text(file, text)
    except OSError as error:
        raise UserError(f"{root}: can't be written to ({error.strerror}); give another -o") from error
    return file
