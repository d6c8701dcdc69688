"""Every column that is written is explained, and nothing is explained that isn't written."""

import csv
from pathlib import Path

import pandas as pd
import pytest
from made_up_downloads import busi, glas
from made_up_explained import write_explained
from made_up_study import write_study

from nnunet_skipstudy import cli
from nnunet_skipstudy.analysis.measuring import dictionary
from nnunet_skipstudy.registry import BOTH, DISTORTION, TEXTURE, UNPERTURBED

ROOT = Path(__file__).parents[3]


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict[str, str]]]:
    """The rows of every CSV of the tool: analyses, published scores, what explain writes, and what lies beside data."""
    root = tmp_path_factory.mktemp("study")
    predictions, raw = write_study(
        root, n_patients=10, per_patient=1, architectures=("NoSkip", "UNet", "VNet"), images=False
    )
    explained = write_explained(root / "explained", raw)
    elsewhere = {"dataset": "Dataset902_MadeUp on Dataset903_Other", "level": UNPERTURBED}
    with_labels = ["analyze", str(predictions), "--labels", str(raw), "-o", str(root / "with"), "--no-figures"]
    commands = (
        [*with_labels, "--explain", str(explained)],
        ["analyze", str(predictions), "-o", str(root / "without"), "--no-figures"],
        ["reproduce", "-o", str(root / "published"), "--no-figures"],
    )
    for command in commands:
        assert cli.main(command) == 0
    scores = pd.read_csv(root / "with" / "case_metrics.csv")
    factorial = {"unperturbed": UNPERTURBED, "harder": TEXTURE, "easier": DISTORTION, "hardest": BOTH}
    scores["level"] = scores["level"].map(factorial)
    scores = scores.dropna(subset="level")
    pd.concat([scores, scores[scores["level"] == UNPERTURBED].assign(**elsewhere)]).to_csv(
        root / "scores.csv", index=False
    )
    assert cli.main(["analyze", str(root / "scores.csv"), "-o", str(root / "factorial"), "--no-figures"]) == 0
    found = {
        path.stem: read(path)
        for folder in ("published", "without", "with", "explained")
        for path in (root / folder).rglob("*.csv")
    }
    found["statistics"] += read(root / "factorial" / "statistics.csv")
    found["real_shift"] = read(root / "factorial" / "real_shift.csv")
    return found | beside_data(root)


def beside_data(root: Path) -> dict[str, list[dict[str, str]]]:
    """The rows of every CSV of data sets, three converted ones together, as a row has all columns of its table."""
    small = ["--size", "32", "--alphas", "0.2", "--train", "2", "--val", "1", "--test", "1"]
    commands = (
        ["convert", "busi", str(busi(root / "busi")), "-d", "502"],
        ["convert", "glas", str(glas(root / "glas")), "-d", "503"],
        ["convert", "synthetic", "procedural:0.6", "procedural:0", *small, "-d", "501"],
        ["disparity", "-d", "502"],
    )
    folders = {f"nnUNet_{name}": root / f"nnUNet_{name}" for name in ("raw", "preprocessed", "results")}
    with pytest.MonkeyPatch.context() as patch:
        for variable, folder in folders.items():
            patch.setenv(variable, str(folder))
        for command in commands:
            assert cli.main(command) == 0
    found: dict[str, list[dict[str, str]]] = {}
    for path in folders["nnUNet_raw"].glob("*/*.csv"):
        found.setdefault(path.stem, []).append(read(path)[0])
    return {table: [{name: "" for row in rows for name in row}] for table, rows in found.items()}


def test_every_column_has_its_entry_and_every_entry_its_column(outputs: dict[str, list[dict[str, str]]]) -> None:
    assert set(outputs) == set(dictionary.TABLES)
    for table, rows in outputs.items():
        explained = {e.name for e in dictionary.entries() if e.kind == dictionary.COLUMN and table in e.tables}
        assert explained == set(rows[0]), table


def test_so_has_every_quantity(outputs: dict[str, list[dict[str, str]]]) -> None:
    for table, rows in outputs.items():
        explained = {e.name for e in dictionary.entries() if e.kind == dictionary.QUANTITY and table in e.tables}
        assert explained == {row["quantity"] for row in rows if "quantity" in row}, table


def test_one_entry_a_name_and_kind_each_with_a_sentence() -> None:
    names = [(e.name, e.kind) for e in dictionary.entries()]
    assert len(set(names)) == len(names)
    for entry in dictionary.entries():
        assert entry.meaning.endswith("."), entry.name
        assert set(entry.tables) <= set(dictionary.TABLES), entry.name
    assert dictionary.meaning("dsc").startswith("Dice similarity coefficient")
    assert dictionary.meaning("friedman").startswith("Friedman")


def test_columns_csv_and_the_reference_page_hold_the_table(outputs: dict[str, list[dict[str, str]]]) -> None:
    """Where this fails: ``make docs/columns.md``."""
    assert outputs["columns"] == dictionary.rows()
    assert (ROOT / "docs" / "columns.md").read_text(encoding="utf-8") == dictionary.reference_page()
