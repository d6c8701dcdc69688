"""``skipstudy analyze`` on small folders of predictions with something wrong in them.

``SKIPSTUDY_FUZZ_EXAMPLES`` says how many are tried (25).
"""

import json
import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made_up_predictions import DATASET, level_folder, write_cases, write_dataset_json
from measuring import compare, measure
from PIL import Image

from nnunet_skipstudy.analysis.inputs.matching import Comparison
from nnunet_skipstudy.errors import UserError

EXAMPLES = int(os.environ.get("SKIPSTUDY_FUZZ_EXAMPLES", "25"))
TRAINERS = ("nnUNetTrainerNoSkip", "nnUNetTrainerUNet_seed1")
LEVELS = ("hardest", "unperturbed", "own")
CASES = ("p0_s0", "p0_s1", "p1_s2")

NAMES = st.sampled_from(
    [
        "A.PNG",
        "a.jpg",
        "a.npz",
        "a.nii",
        "a.tif",
        "患者.png",
        "a b.png",
        "nan.png",
        "a\nb.png",
        ".a.png",
        "<b>.png",
        "$x$.png",
    ]
)
CELLS = st.sampled_from(
    ["inf", "nan", "1_000", "1e999", "", "1,5", "9" * 5000, "\0", '"', "a\nb", "٣", "0x1"]
) | st.text(max_size=5)
VALUES = st.sampled_from([1.9, -1, True, "1", "x", None, [], [1, 2], {}, 10**30, float("nan"), 0, 2, 255])
LABELS = st.sampled_from(["object", "rim", "ignore", "background", "(mean of labels)", "", "\ud800", "a\nb", "患者"])
JUNK = st.sampled_from([b"", b"[" * 50_000, b'{"labels": {"a": 1', b"null", b'{"labels": []}', b"\xff\xfe{\x00}\x00"])


@dataclass(frozen=True)
class Change:
    """One thing that is done to a folder: to the file, or folder, whose number (modulo their count) is ``which``."""

    pattern: str
    which: int
    how: Callable[[Path], None]


def write(root: Path) -> None:
    """A data set with its tables, and what two networks made of it at three levels."""
    raw = root / "raw" / DATASET
    for number, case in enumerate(CASES):
        labels = np.zeros((9, 11), np.uint8)
        labels[1 + number : 6, 2:7] = 1
        labels[3:5, 3:5] = 2
        write_cases(raw / "labelsTs", {case: labels})
        for place, level in enumerate(LEVELS):
            for trainer in TRAINERS:
                write_cases(level_folder(root / "p", trainer, level), {case: np.roll(labels, place, len(trainer) % 2)})
    for folder in (raw, *(folder for folder in (root / "p").rglob("*") if folder.name in LEVELS)):
        write_dataset_json(folder, {"object": 1, "rim": 2})
    groups = [f"{case},{case[:2]},test,0.{number}" for number, case in enumerate(CASES)]
    (raw / "cases.csv").write_text("\n".join(["case,group,set,disparity", *groups, ""]), encoding="utf-8")
    measured = [f"{case},{level},0.{number}" for number, case in enumerate(CASES) for level in LEVELS]
    (raw / "perturbations.csv").write_text("\n".join(["case,level,disparity", *measured, ""]), encoding="utf-8")
    (raw / "folds.csv").write_text("fold,name,kind\n0,wide_0,wide\n", encoding="utf-8")


def _flip(bit: int) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        content = bytearray(path.read_bytes())
        if content:
            content[bit // 8 % len(content)] ^= 1 << bit % 8
        path.write_bytes(content)

    return change


def _pixels(change: Callable[[npt.NDArray[np.uint8]], npt.NDArray[np.generic]]) -> Callable[[Path], None]:
    return lambda path: Image.fromarray(change(np.array(Image.open(path)))).save(path)


def _cell(number: int, text: str) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        rows = [line.split(",") for line in path.read_text(encoding="utf-8").splitlines()]
        row = rows[number % len(rows)]
        row[number % len(row)] = text
        content = "\n".join(",".join(row) for row in rows)
        path.write_text(content, encoding="utf-8", errors="surrogatepass", newline="")

    return change


def _label(name: str, value: object) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        content = json.loads(path.read_text(encoding="utf-8"))
        content["labels"][name] = value
        path.write_text(json.dumps(content), encoding="utf-8")

    return change


def _away(path: Path) -> None:
    """Move a folder elsewhere and leave a link to it."""
    target = path.parent / f".moved-{path.name}"
    shutil.move(path, target)
    path.symlink_to(target)


PIXELS = st.sampled_from(
    [
        lambda a: a * 127,
        lambda a: a[:-1],
        lambda a: a.T,
        lambda a: a * 0,
        lambda a: a > 0,
        lambda a: a.astype(np.uint16),
        lambda a: np.stack([a] * 3, -1),
    ]
).map(_pixels)
DAMAGE = st.one_of(
    st.just(Path.unlink),
    st.integers(0, 10_000).map(_flip),
    st.integers(0, 100).map(lambda n: lambda path: path.write_bytes(path.read_bytes()[:n]) and None),
)
CHANGES = st.one_of(
    st.builds(Change, st.sampled_from(["*.png", "*.json", "*.csv"]), st.integers(0, 99), DAMAGE),
    st.builds(Change, st.just("*.png"), st.integers(0, 99), PIXELS),
    st.builds(
        Change, st.just("*.png"), st.integers(0, 99), NAMES.map(lambda n: lambda p: p.rename(p.with_name(n)) and None)
    ),
    st.builds(Change, st.just("*.csv"), st.integers(0, 99), st.builds(_cell, st.integers(0, 99), CELLS)),
    st.builds(Change, st.just("*.json"), st.integers(0, 99), st.builds(_label, LABELS, VALUES)),
    st.builds(Change, st.just("*.json"), st.integers(0, 99), JUNK.map(lambda b: lambda p: p.write_bytes(b) and None)),
    st.builds(Change, st.sampled_from([*LEVELS, "fold_0", "labelsTs", DATASET]), st.integers(0, 9), st.just(_away)),
)


def plain(comparison: Comparison) -> list[float]:
    """The DSC of every row as plain numpy reads it, 1 where both are empty and 0 where there is no file."""
    found = []
    ignore = -1 if comparison.labels.ignore is None else comparison.labels.ignore
    for run in comparison.runs:
        for case in comparison.cases(run):
            path = comparison.predictions[run].get(case)
            label = np.array(Image.open(comparison.reference.cases[case])).astype(int)
            predicted = None if path is None else np.array(Image.open(path)).astype(int)
            for values in comparison.labels.regions.values():
                wanted = np.isin(label, values) & (label != ignore)
                got = wanted & False if predicted is None else np.isin(predicted, values) & (label != ignore)
                size = int(wanted.sum() + got.sum())
                found.append(0.0 if path is None else 2 * int((wanted & got).sum()) / size if size else 1.0)
    return found


def tables(root: Path) -> pd.DataFrame:
    """The table of cases; the numbers are held against plain numpy."""
    comparisons = compare(root / "p", root / "raw")
    cases, warnings = measure(comparisons)
    expected = [value for comparison in comparisons for value in plain(comparison)]
    np.testing.assert_allclose(cases["dsc"], expected, rtol=0, atol=1e-12)
    assert all("\n" not in warning for warning in warnings)
    cases.to_csv(root / "cases.csv", encoding="utf-8")
    return cases


@settings(max_examples=EXAMPLES, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.lists(CHANGES, min_size=1, max_size=3))
def test_a_changed_folder_is_refused_in_one_line_or_measured_as_numpy_does(changes: list[Change]) -> None:
    """And disparities are finite numbers; a refusal leaves nothing behind."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        write(root)
        for change in changes:
            found = sorted(path for path in root.rglob(change.pattern) if not path.is_symlink())
            if found:
                change.how(found[change.which % len(found)])
        before = sorted(path.relative_to(root) for path in root.iterdir())
        cases, complaint = pd.DataFrame(), ""
        try:
            cases = tables(root)
        except UserError as error:
            complaint = str(error)
        if complaint:
            assert len(complaint) < 2000
            assert sorted(path.relative_to(root) for path in root.iterdir()) == before
        else:
            assert np.isfinite(cases["disparity"].dropna()).all()
            assert cases["dsc"].between(0, 1).all()
