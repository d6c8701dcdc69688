"""``skipstudy convert``: make an nnU-Net data set out of a download, or out of nothing."""

import importlib

from nnunet_skipstudy.errors import UserError

CONVERTERS: dict[str, str] = {
    "synthetic": "a textured object on a textured background, alike by a chosen proportion alpha",
    "busi": "BUSI: lesions in breast ultrasound",
    "busbra": "BUS-BRA: lesions in breast ultrasound of another hospital",
    "breast": "BrEaST: lesions in breast ultrasound of yet others",
    "glas": "GlaS (Warwick QU): glands in colon histology",
    "acdc": "ACDC: ventricles and myocardium in cine MRI",
    "spleen": "Decathlon Task09: spleen in CT",
    "heart": "Decathlon Task02: left atrium in MRI",
}
"""Each converter is ``CONVERTER`` in the module of its name in ``nnunet_skipstudy.dataset_conversion``, imported when
it is called: a new data set is such a module and a row here."""
OVERVIEW = """\
usage: skipstudy convert NAME [SOURCE ...] -d ID [options]

Make an nnU-Net data set with test sets at graded texture disparity: images, labels, splits, and tables of
cases and folds. It appears in $nnUNet_raw and $nnUNet_preprocessed when it is complete; a finished one is
left as it is.

data sets:
{converters}

A SOURCE is the download as its publisher ships it: the unpacked folder, at any depth, or the zip or tar.

Examples:
  skipstudy convert synthetic -d 501
  skipstudy convert busi Dataset_BUSI_with_GT -d 502

'skipstudy convert NAME --help' explains one data set."""


def main(argv: list[str]) -> int:
    """Run one converter. Raises UserError: there is none of that name, or it says that its input is at fault."""
    if not argv or argv[0] in ("-h", "--help"):
        print(OVERVIEW.format(converters="\n".join(f"  {name:<12} {makes}" for name, makes in CONVERTERS.items())))
        return 0
    name, *arguments = argv
    if name not in CONVERTERS:
        raise UserError(f"no data set {name!r}; choose one of {', '.join(CONVERTERS)} (skipstudy convert --help)")
    module = importlib.import_module(f"nnunet_skipstudy.dataset_conversion.{name}")
    code: int = module.CONVERTER.main(arguments)
    return code
