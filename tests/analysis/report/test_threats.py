"""Which threats the report says are open: each is met by what meets it, and by nothing else."""

from pathlib import Path

import pandas as pd
import pytest
from made_up_study import write_study

from nnunet_skipstudy.analysis.pipeline import AnalyzeOptions, analyze

DATASET = "Dataset902_MadeUp"


def threats(tmp_path: Path, suffix: str, *, matched: bool = False, **study: object) -> dict[str, tuple[str, str]]:
    """The report's table, by threat: state and reason; trainers carry ``suffix``, levels their perturbations."""
    options = {"architectures": ("NoSkip", "UNet"), "seeds": (1,), "labels": ("organ",), "images": False} | study
    predictions, raw = write_study(tmp_path, **options)  # type: ignore[arg-type]
    for folder in sorted((predictions / DATASET).iterdir()):
        named = folder.with_name(folder.name.replace("_spatialDA", suffix))
        folder.rename(named)
        if matched and "NoSkip" in named.name:
            named.with_name(named.name.replace("NoSkip", "NoSkip_matchedParams")).symlink_to(named)
    table = raw / DATASET / "perturbations.csv"
    rows = pd.read_csv(table)
    kinds = {"hard": "speckle:variance=0.1", "easi": "blur_background:sigma_px=3"}
    rows["parameters"] = rows["level"].str[:4].map(kinds).fillna("")
    rows["leak"] = rows["level"].str.startswith("easi") * 0.5 + 0.1
    rows.assign(psnr_db=20.0, leak_unperturbed=0.1).query("level != 'unperturbed'").to_csv(table, index=False)
    analyze(AnalyzeOptions(predictions, raw, tmp_path / "out", figures=False, progress=False))
    page = (tmp_path / "out" / "report.md").read_text(encoding="utf-8").replace("\\", "")
    lines = page.partition("### Threats: ")[2].partition("###")[0].splitlines()
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines if line.startswith("| ")]
    return {threat: (state, why) for threat, state, why in cells[1:]}


def test_one_seed_nnunets_augmentation_and_the_studys_levels_leave_them_open(tmp_path: Path) -> None:
    found = threats(tmp_path, "")
    states = {threat: state for threat, (state, _) in found.items()}
    assert states["Another seed"] == "open"
    assert states["Augmentation that trains on the tested shift"] == "open"
    assert states["Capacity instead of skips"] == "open"
    assert states["The reference's outline, drawn by a level"] == "open"
    assert found["The reference's outline, drawn by a level"][1].startswith("easier and easiest: ")
    assert states["Noise instead of texture"] == "open"
    assert found["Noise instead of texture"][1].startswith("hardest and harder: speckle is noise first")
    assert list(states.values()) == sorted(states.values(), key=["open", "a factor", "met"].index)


@pytest.mark.parametrize("matched", [True, False])
def test_what_meets_a_threat_meets_it(tmp_path: Path, matched: bool) -> None:
    """Two seeds, an augmentation that leaves grey values alone, a network of matched parameters."""
    found = threats(tmp_path, "_spatialDA", seeds=(1, 2), matched=matched)
    assert found["Another seed"] == (
        "met",
        "at least 2 trainings a network, and their variance is in the intervals",
    )
    assert found["Augmentation that trains on the tested shift"][0] == "met"
    assert found["Capacity instead of skips"][0] == ("a factor" if matched else "open")
    assert found["Noise instead of texture"][0] == "open"


@pytest.mark.parametrize(
    ("moved", "n_unchanged", "state", "why"),
    [
        (0.01, 0, "met", "the 2 x 2 of texture and distortion splits the loss"),
        (0.2, 0, "open", "distortion moves TD by 0.200 in the median, texture by 0.400"),
        (0.0, 3, "open", "distortion leaves 3 of 20 images as they are"),
    ],
)
def test_a_distortion_meets_the_threat_of_noise_where_it_distorts_and_leaves_texture(
    tmp_path: Path, moved: float, n_unchanged: int, state: str, why: str
) -> None:
    """The 2 x 2 splits nothing where its distortion moves texture, or isn't there; the reader is warned as well."""
    predictions, raw = write_study(tmp_path, architectures=("UNet",), seeds=(1,), labels=("organ",), images=False)
    names = {"hardest": "texture_distortion", "harder": "texture", "easier": "distortion"}
    (folder,) = (predictions / DATASET).glob("*/fold_0")
    for level in ("hardest", "harder", "easier"):
        (folder / level).rename(folder / names[level])
    rows = pd.read_csv(raw / DATASET / "perturbations.csv")
    (raw / DATASET / "perturbations.csv").unlink()
    rows = rows[rows["level"].isin(["unperturbed", *names])].assign(leak=0.1, leak_unperturbed=0.1, psnr_db=20.0)
    rows["level"] = rows["level"].replace(names)
    start = rows["case"].map(rows[rows["level"] == "unperturbed"].set_index("case")["disparity"])
    change = rows["level"].map({"texture": -0.4, "distortion": moved, "texture_distortion": -0.4}).fillna(0)
    first = (rows["level"] == "distortion") & rows["case"].isin(rows["case"].unique()[:n_unchanged])
    rows = rows.assign(
        disparity=start + change,
        parameters=rows["level"].map({"distortion": "sham_speckle_256:variance=0.1", "texture": "blend:alpha=0.8"}),
        psnr_db=rows["psnr_db"].where(~first),
    ).fillna({"parameters": "speckle:variance=0.1"})
    rows.to_csv(raw / DATASET / "perturbations.csv", index=False)
    analyze(AnalyzeOptions(predictions, raw, tmp_path / "out", figures=False, progress=False))
    page = (tmp_path / "out" / "report.md").read_text(encoding="utf-8").replace("\\", "")
    assert f"| Noise instead of texture | {state} | {why} |" in page
    assert ("leaves 3 of 20 images as they are: what is measured there" in page) == bool(n_unchanged)
