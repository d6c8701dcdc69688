"""The command ``skipstudy``: finds the command's module, turns errors into one line and an exit code."""

import gc
import importlib
import io
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.support.parser import exit_code
from nnunet_skipstudy.support.version import __version__

COMMANDS: dict[str, str] = {
    "env": "print the four export lines that nnU-Net needs, for eval",
    "doctor": "check versions, paths, trainers, device and disk; say what is wrong and the remedy",
    "convert": "make an nnU-Net data set, with test sets at graded texture disparity",
    "disparity": "texture disparity of each case, its category, and histograms",
    "perturb": "make test sets of graded texture disparity for any nnU-Net data set",
    "plan": "nnU-Net's plans, sized for the most demanding network of a comparison",
    "architectures": "parameters, FLOPs and activation memory of each network on a data set's plan",
    "transfer": "the encoder of one variant as the beginning of another's training",
    "analyze": "turn predictions and labels into tables, figures and a report",
    "explain": "why a trained network fails: interventions on one skip at a time",
    "reproduce": "the original study's published scores, analysed anew with seeds counted",
    "init": "write a commented study.yaml: the demo's, a search's or the full study's",
    "run": "run a study: convert, plan, train, predict, explain, analyze; continues where it stopped",
    "status": "what of a study is done, running, failed, waiting",
    "commands": "the nnUNetv2_* lines of a study, to run them by hand",
    "demo": "the whole study on synthetic textures, sized for a CPU",
}
"""Each command has a module of its name in ``nnunet_skipstudy.commands``, imported when it is called."""
OVERVIEW = """\
usage: skipstudy [--help] [--version] COMMAND ...

Do a U-Net's skip connections help or hurt when texture shifts? Trains skip variants with stock nnU-Net v2
and measures how robust each one is.

commands:
{commands}

A first study of your own, in three steps, after  eval "$(skipstudy env --root study)":
  1. data       skipstudy convert synthetic -d 501
  2. networks   nnUNetv2_plan_and_preprocess -d 501 -c 2d
                nnUNetv2_train 501 2d 0 -tr nnUNetTrainerNoSkip
  3. evidence   nnUNetv2_predict ..., then  skipstudy analyze PREDICTIONS --labels LABELS -o OUT

'skipstudy COMMAND --help' explains one command."""


def overview() -> str:
    """The text of ``skipstudy --help``."""
    return OVERVIEW.format(commands="\n".join(f"  {name:<15} {does}" for name, does in COMMANDS.items()))


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``skipstudy`` with ``argv`` and return its exit code: 0 done, 2 the user's input is at fault.

    A fault of ours is an exception, which Python reports with exit code 1.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    if not arguments or arguments[0] in ("-h", "--help"):
        print(overview())
        return 0
    if arguments[0] == "--version":
        print(f"skipstudy {__version__}")
        return 0
    return exit_code(lambda: run_command(arguments[0], arguments[1:]))


def run_command(name: str, arguments: Sequence[str]) -> int:
    """Run one command. Raises UserError: there is no such command, or the command says that its input is at fault."""
    if name not in COMMANDS:
        raise UserError(f"no command {name!r}; choose one of {', '.join(COMMANDS)}")
    module = importlib.import_module(f"nnunet_skipstudy.commands.{name}")
    code: int = module.main(list(arguments))
    return code


def entry() -> NoReturn:
    """The console script; a reader that has seen enough (``| head``) is no fault."""
    sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: PTH123, SIM115  # closed, as under a daemon
    sys.stderr = sys.stderr or sys.stdout
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a path may hold bytes that are no text
    # Looking for cycles after every 700 new objects is a twelfth of analyze's time, after 100,000 still a twentieth;
    # what waits in the meantime is its figures, 3 MB each. A training's tensors are to wait less long.
    gc.set_threshold(1_000_000 if sys.argv[1:2] == ["analyze"] else 100_000)
    try:
        code = main()
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python's last flush must not fail too
        code = 128 + 13  # as of a program that SIGPIPE has ended
    gc.freeze()  # nor does the end need one: all memory is given back at once
    sys.exit(code)
