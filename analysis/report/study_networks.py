"""How the networks of the original study differed from those here, in words: docs/networks.md has the same table."""

from collections.abc import Iterable

from nnunet_skipstudy.analysis.report.page import Cell, Table
from nnunet_skipstudy.registry import STUDY_ARCHITECTURES

COLUMNS = ["network", "in the study", "here"]
ROWS = (
    (
        "U-Net",
        "one convolution a level; 2.65 M parameters",
        "the plan's: two a level, or residual blocks in the encoder; equals nnU-Net's own",
    ),
    ("No-Skip U-Net", "as its U-Net, nothing concatenated; 2.26 M", "likewise"),
    (
        "V-Net",
        "the skip is concatenated, and the decoder block's residual sum runs over it; in training whole samples lose "
        "the whole skip at random (a channel dropout made for volumes, given 2D batches), the rest is doubled; 9.36 M",
        "the sum passes the up-sampled half on unchanged and adds norm(1 x 1 convolution of the skip); nothing dropped",
    ),
    (
        "No-Skip V-Net",
        "lost the residual sum and a dropout with the skip, and doubled the up-convolution: three differences under "
        "one name; 9.58 M",
        "the V-Net without what reads the skip",
    ),
    (
        "attention U-Net",
        "gates on the up-sampled signal, at all levels, with batch norm; 7.96 M",
        "Oktay et al.: the signal before up-sampling, features strided to its grid, topmost level concatenated, no "
        "norm",
    ),
    (
        "UNet++",
        "its last node, at full resolution, has 512 channels; 5.07 M",
        "each level the plan's width; one head a resolution, or `_fullresDS`",
    ),
    (
        "all",
        "MONAI's, fixed widths of 16 to 512, no deep supervision; MONAI's reader transposed the images",
        "widths, depth, strides and norm of nnU-Net's plan; deep supervision, unless `_noDS`; nnU-Net's reader",
    ),
)


def study_networks(architectures: Iterable[str]) -> Table | None:
    """The table, where a network of the study, or a variant of one, is among the compared; else None."""
    if not {name.split("_")[0] for name in architectures} & set(STUDY_ARCHITECTURES):
        return None
    rows = [[Cell(words.replace("`", "")) for words in row] for row in ROWS]
    return Table("How the study's own networks differed from these", COLUMNS, rows, n_words=3)
