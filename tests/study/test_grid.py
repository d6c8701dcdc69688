"""The cells of a study, their order, and which of them a change concerns."""

from pathlib import Path

import pytest
from tiny_study import TEXT, write_study

from nnunet_skipstudy.commands.convert import CONVERTERS
from nnunet_skipstudy.explain import TABLES
from nnunet_skipstudy.study.cell import read_cells, write_cells
from nnunet_skipstudy.study.ownership import STAMP
from nnunet_skipstudy.study.run import Opened, open_study
from nnunet_skipstudy.study.settings import read_study
from nnunet_skipstudy.study.steps import STEPS
from nnunet_skipstudy.study.templates import full_text
from nnunet_skipstudy.support.files import write_json


def opened(path: Path) -> Opened:
    return open_study(path, read_study(path, CONVERTERS))


def test_each_cell_stands_after_those_that_it_needs(tmp_path: Path) -> None:
    grid = opened(write_study(tmp_path)).grid
    before: set[str] = set()
    for key, cell in grid.items():
        assert before.issuperset(cell.needs), key
        before.add(key)
    assert list(grid) == [
        "convert/d501",
        "plan/d501",
        "train/d501-UNet-fold0-seed1-spatial",
        "predict/d501-UNet-fold0-seed1-spatial",
        "train/d501-NoSkip-fold0-seed1-spatial",
        "predict/d501-NoSkip-fold0-seed1-spatial",
        "analyze/study",
    ]


def test_the_grid_is_the_product_of_its_factors(tmp_path: Path) -> None:
    text = (
        "datasets: [{id: 7}, {id: 8, folds: [2]}]\narchitectures: [UNet, NoSkip]\nfolds: [0, 1]\nseeds: [1, 2, 3]\n"
        "augmentation: [nnunet, spatial]\n"
    )
    grid = opened(write_study(tmp_path, text)).grid
    counts = {
        step: sum(cell.step == step for cell in grid.values()) for step in ("perturb", "plan", "train", "predict")
    }
    assert counts == {"perturb": 2, "plan": 2, "train": (2 + 1) * 2 * 3 * 2, "predict": 36}
    trainers = {cell.settings["trainer"] for cell in grid.values() if cell.step == "train"}
    assert "nnUNetTrainerUNet_seed2" in trainers
    assert "nnUNetTrainerUNet_seed2_spatialDA" in trainers


@pytest.mark.parametrize(("protocol", "n_trainings"), [("papers", 6 * 6 * 53), ("controlled", 8 * 6 * 73)])
def test_the_full_study_has_all_networks_folds_seeds_and_augmentations(
    tmp_path: Path, protocol: str, n_trainings: int
) -> None:
    """Two synthetic sets with nine folds each, five medical ones with 7 or 11; three seeds and two augmentations."""
    grid = opened(write_study(tmp_path, full_text(CONVERTERS, protocol=protocol))).grid
    assert sum(cell.step == "train" for cell in grid.values()) == n_trainings


def changed(tmp_path: Path, **changes: str) -> set[str]:
    """The cells whose hash a change of the file moves."""
    before = opened(write_study(tmp_path / "before")).grid
    after = opened(write_study(tmp_path / "after", **changes)).grid
    return {key.split("/")[0] for key in after if key not in before or after[key].digest != before[key].digest}


@pytest.mark.parametrize(
    ("changes", "steps"),
    [
        ({"tta": "true"}, {"predict", "analyze"}),
        ({"epochs": "5"}, {"train", "predict", "analyze"}),
        ({"batch_size": "3"}, {"plan", "train", "predict", "analyze"}),
        ({"size": "48"}, {"convert", "plan", "train", "predict", "analyze"}),
        ({"levels": "[alpha0.10]"}, {"predict", "analyze"}),
        ({"device": "cuda"}, set()),
        ({"default": "{cpus: 2}"}, set()),
    ],
)
def test_a_change_concerns_what_depends_on_it_and_nothing_else(
    tmp_path: Path, changes: dict[str, str], steps: set[str]
) -> None:
    assert changed(tmp_path, **changes) == steps


def test_one_more_architecture_adds_its_cells_and_leaves_the_others(tmp_path: Path) -> None:
    before = opened(write_study(tmp_path / "before")).grid
    after = opened(write_study(tmp_path / "after", architectures="[UNet, NoSkip, VNet]")).grid
    assert {key for key in after if key not in before} == {
        "train/d501-VNet-fold0-seed1-spatial",
        "predict/d501-VNet-fold0-seed1-spatial",
    }
    assert {key for key in before if after[key].digest != before[key].digest} == {"analyze/study"}


def test_a_data_set_that_was_changed_by_hand_is_noticed(tmp_path: Path) -> None:
    path = write_study(tmp_path, "datasets: [{id: 7}]\n")
    raw = tmp_path / "nnUNet_raw" / "Dataset007_Mine"
    (raw / "imagesTr").mkdir(parents=True)
    before = opened(path).grid["convert/d007"].digest
    (raw / "imagesTr" / "a_0000.png").write_bytes(b"x")
    assert opened(path).grid["convert/d007"].digest != before


OWN = """\
datasets:
  - {id: 7, perturb: [--level, "mine:speckle:variance=0.1"], levels: [unperturbed, mine], folds: 2}
  - {id: 502, converter: busi, source: a.zip, options: {protocol: study}}
architectures: [NoSkip, UNetPlusPlus]
plans: {plan_for: heaviest, gpu_memory_gb: 4}
augmentation: [nnunet, spatial]
metrics: {tolerance: 2, reference_level: unperturbed}
"""
MODEL = "NoSkip-fold0-seed1-spatial"


def test_hashes_are_those_of_former_versions(tmp_path: Path) -> None:
    """They name the markers of finished cells: others would have every study of before computed again."""
    tiny = opened(write_study(tmp_path / "tiny")).grid
    own = opened(write_study(tmp_path / "own", OWN)).grid
    expected = {
        "convert/d501": "d019ffd62640",
        "plan/d501": "566cdd6288ed",
        f"train/d501-{MODEL}": "0305c4f3b30f",
        f"predict/d501-{MODEL}": "b959c9631c90",
        "convert/d007": "9618abc3e8ae",
        "perturb/d007": "9f3de68b95ae",
        "plan/d007": "87c7219c8ffc",
        "train/d007-NoSkip-fold2-seed1-spatial": "35f758953d5b",
        "predict/d007-NoSkip-fold2-seed1-spatial": "e9005b5ae7d8",
        "convert/d502": "4383260ffc3c",
        "perturb/d502": "5b96792a48a5",
        "plan/d502": "dad80ee9de62",
        f"train/d502-{MODEL}": "9d229f4d5d85",
        f"predict/d502-{MODEL}": "bd36ed561e6f",
    }
    assert {key: {**tiny, **own}[key].digest for key in expected} == expected
    assert (tiny["analyze/study"].digest, own["analyze/study"].digest) == ("bd640fc8b9ae", "64b2fb35b3a0")


def test_cells_come_back_from_their_file_as_they_were(tmp_path: Path) -> None:
    grid = opened(write_study(tmp_path, OWN)).grid
    write_cells(tmp_path / "grid.json", grid, root="here")
    assert read_cells(tmp_path / "grid.json") == (grid, {"root": "here"})


def test_groups_and_figures_concern_the_analysis_alone(tmp_path: Path) -> None:
    """A table of groups by its content, too."""
    before = opened(write_study(tmp_path)).grid

    def again(more: str) -> dict[str, str]:
        grid = opened(write_study(tmp_path, TEXT + more)).grid
        return {key: cell.digest for key, cell in grid.items() if cell.digest != before[key].digest}

    assert set(again("figures: false\n")) == set(again("groups: p[0-9]+\n")) == {"analyze/study"}
    (tmp_path / "patients.csv").write_text("case,group\na,1\n")
    first = again("groups: patients.csv\n")
    (tmp_path / "patients.csv").write_text("case,group\na,2\n")
    assert again("groups: patients.csv\n") != first


def test_explaining_is_asked_for(tmp_path: Path) -> None:
    """A cell a network then, which the analysis needs beside the predictions; without, no hash of a study moves."""
    before = opened(write_study(tmp_path / "before")).grid
    text = TEXT + "explain: {levels: [0.9], cases: 2}\n"
    after = opened(write_study(tmp_path / "after", text)).grid
    assert {key.split("/")[0] for key in before["analyze/study"].needs} == {"predict"}
    new = after.keys() - before.keys()
    assert new == {f"explain/d501-{name}-fold0-seed1-spatial" for name in ("UNet", "NoSkip")}
    assert set(after["analyze/study"].needs) == new | set(before["analyze/study"].needs)
    assert {key for key in before if after[key].digest != before[key].digest} == {"analyze/study"}
    cell = after["explain/d501-UNet-fold0-seed1-spatial"]
    assert cell.settings["levels"] == ["alpha0.90"]
    places = opened(tmp_path / "after" / "study.yaml").places
    (words,) = STEPS["explain"].lines(cell, places)
    assert [str(word) for word in words[-2:]] == [
        "-o",
        str(places.root / "explain" / "Dataset501_NAME" / f"{cell.settings['trainer']}__tinyPlans__2d" / "fold_0"),
    ]
    assert "--explain" in next(iter(STEPS["analyze"].lines(after["analyze/study"], places)))


@pytest.mark.parametrize("lacking", [None, *TABLES])
def test_explaining_stands_with_all_its_tables(tmp_path: Path, lacking: str | None) -> None:
    """The analysis reads each of them: one that was removed is made again rather than asked for at the end."""
    study = opened(write_study(tmp_path, TEXT + "explain: {cases: 2}\n"))
    cell = study.grid["explain/d501-UNet-fold0-seed1-spatial"]
    folder = study.places.explained_folder("Dataset501_NAME", cell.settings)
    folder.mkdir(parents=True)
    write_json(folder / STAMP, {"digest": cell.digest})
    for name in TABLES:
        (folder / name).touch()
    if lacking:
        (folder / lacking).unlink()
    assert STEPS["explain"].stands(cell, study.places, "Dataset501_NAME") == (lacking is None)


def test_the_analysis_is_told_the_levels_in_the_files_order(tmp_path: Path) -> None:
    text = "levels: [mine, unperturbed]\ndatasets: [{id: 7}, {id: 8, levels: [worst, unperturbed, best]}]\n"
    analysis = opened(write_study(tmp_path, text)).grid["analyze/study"]
    assert analysis.conduct["levels"] == ["mine", "unperturbed", "worst", "best"]


def test_other_peoples_networks_are_not_explained(tmp_path: Path) -> None:
    """They are trained and predicted; whether their parts can be told is seen when they are built, hours later."""
    text = TEXT + "explain: {levels: [0.9], cases: 2}\ntrainers: [nnUNetTrainer, Mine_seed<seed>]\n"
    grid = opened(write_study(tmp_path, text)).grid
    assert {"predict/d501-nnUNetTrainer-fold0", "predict/d501-Mine_seed1-fold0"} <= set(grid)
    explained = {key for key in grid if key.startswith("explain/")}
    assert explained == {f"explain/d501-{name}-fold0-seed1-spatial" for name in ("UNet", "NoSkip")}
    assert {"explain/d501-UNet-fold0-seed1-spatial", "predict/d501-Mine_seed1-fold0"} <= set(
        grid["analyze/study"].needs
    )


def test_networks_are_tested_on_other_data_sets_by_identifier_converter_or_name(tmp_path: Path) -> None:
    """A cell a network and other data set, which needs the training and the other's conversion; none on its own."""
    (tmp_path / "nnUNet_raw" / "Dataset009_Ours" / "imagesTs").mkdir(parents=True)
    text = (
        "datasets: [{id: 7}, {id: 8, test_on: []}, {id: 12, converter: busbra, source: b, train: false}]\n"
        "architectures: [UNet]\nlevels: [unperturbed]\ntest_on: [7, busbra, ours, 12]\n"
    )
    grid = opened(write_study(tmp_path, text)).grid
    model = "d007-UNet-fold0-seed1-spatial"
    cells = {key: cell for key, cell in grid.items() if cell.step == "shift"}
    assert list(cells) == [f"shift/{model}-on-d012", f"shift/{model}-on-d009"]
    assert set(cells[f"shift/{model}-on-d012"].needs) == {f"predict/{model}", f"train/{model}", "convert/d012"}
    assert cells[f"shift/{model}-on-d009"].settings["tested_on"] == 9
    assert {key for key in grid if "d012" in key and "-on-" not in key} == {"convert/d012"}
    assert set(cells) < set(grid["analyze/study"].needs)
    assert next(iter(grid)) == "convert/d012"
    content = cells[f"shift/{model}-on-d009"].digest
    (tmp_path / "nnUNet_raw" / "Dataset009_Ours" / "imagesTs" / "a_0000.png").write_bytes(b"1")
    again = opened(tmp_path / "study.yaml").grid
    assert again[f"shift/{model}-on-d009"].digest != content
    assert again[f"predict/{model}"].digest == grid[f"predict/{model}"].digest


def test_without_test_on_no_hash_moves(tmp_path: Path) -> None:
    """Studies begun before there was the key go on; with it only new cells and the analysis are added."""
    text = "datasets: [{id: 7}]\narchitectures: [UNet]\nlevels: [unperturbed]\n"
    plain = opened(write_study(tmp_path, text)).grid
    tested = opened(write_study(tmp_path, f"{text}test_on: 9\n")).grid
    changed = {key for key in plain if plain[key].digest != tested[key].digest}
    assert changed == {"analyze/study"}
    assert plain["analyze/study"].needs == ("predict/d007-UNet-fold0-seed1-spatial",)
