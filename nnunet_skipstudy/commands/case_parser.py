"""The arguments that ``disparity`` and ``perturb`` share: two ways to name images with their masks."""

import argparse
from pathlib import Path

from nnunet_skipstudy.support.parser import Parser


def case_parser(command: str, description: str, epilog: str) -> Parser:
    """A parser of ``skipstudy <command>`` for a data set's cases, or those of two folders."""
    raw = argparse.RawDescriptionHelpFormatter
    made = Parser(prog=f"skipstudy {command}", formatter_class=raw, description=description, epilog=epilog)
    add = made.add_argument
    add("-d", "--dataset", metavar="ID", help="an nnU-Net data set's identifier or name, in $nnUNet_raw")
    add("-i", "--images", type=Path, metavar="IMAGES", help="a folder of images: case.png, or case_0000.png a channel")
    add("--masks", type=Path, metavar="MASKS", help="the folder of their masks, case.png; all but 0 is the object")
    add("-np", type=int, metavar="N", dest="workers", help="threads; they change no result (default: up to 4)")
    return made
