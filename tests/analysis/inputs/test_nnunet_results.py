"""nnU-Net's own results as input: validation folders, collected cross-validation, its labels and its evaluation."""

import json
from pathlib import Path

import pytest
from made_up_predictions import DATASET, LabelMap, draw, level_folder, write_cases, write_dataset_json
from measuring import compare, measure

from nnunet_skipstudy.analysis.inputs.find import find_runs
from nnunet_skipstudy.errors import UserError

CASES = {"a": draw("1.."), "b": draw(".1."), "c": draw("..1"), "d": draw("11.")}
TRAINER = "nnUNetTrainerUNet_seed2"
SPLITS = [{"train": ["c", "d"], "val": ["a", "b"]}, {"train": ["a", "b"], "val": ["c", "d"]}]


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """nnU-Net's three folders with two folds of one network, and the environment that names them."""
    for name in ("raw", "preprocessed", "results"):
        (tmp_path / name).mkdir()
        monkeypatch.setenv(f"nnUNet_{name}", str(tmp_path / name))
    write_cases(tmp_path / "preprocessed" / DATASET / "gt_segmentations", CASES)
    (tmp_path / "preprocessed" / DATASET / "splits_final.json").write_text(json.dumps(SPLITS), encoding="utf-8")
    write_dataset_json(tmp_path / "preprocessed" / DATASET, {"object": 1})
    for fold, split in enumerate(SPLITS):
        validation(tmp_path, fold, {case: CASES[case] for case in split["val"]})
    return tmp_path


def validation(folders: Path, fold: int, cases: dict[str, LabelMap], trainer: str = TRAINER) -> Path:
    return write_cases(level_folder(folders / "results", trainer, "validation", fold), cases)


def test_validation_folders_are_the_unperturbed_level(folders: Path) -> None:
    """Each fold is held against its own cases; labels and splits come from nnUNet_preprocessed."""
    comparisons = compare(folders / "results")
    cases, warnings = measure(comparisons)
    assert cases["case"].tolist() == ["a", "b", "c", "d"]
    assert cases["fold"].tolist() == ["0", "0", "1", "1"]
    assert set(cases["level"]) == {"unperturbed"}
    assert set(cases["dsc"]) == {1.0}
    assert warnings == []
    run = comparisons[0].runs[0]
    assert (run.architecture, run.seed, run.plans) == ("UNet", 2, "nnUNetPlans")
    assert run.place == f"{DATASET}/{TRAINER}__nnUNetPlans__2d/fold_0/validation"


def test_an_absent_validation_case_counts_as_a_failure(folders: Path) -> None:
    (folders / "results" / DATASET / f"{TRAINER}__nnUNetPlans__2d" / "fold_1" / "validation" / "d.png").unlink()
    cases, warnings = measure(compare(folders / "results"))
    assert cases.set_index("case").loc["d", "outcome"] == "absent"
    assert len(warnings) == 1
    assert "fold_1/validation: 1 of 2 predictions are absent (d)" in warnings[0]


def test_without_splits_absence_can_t_be_known_and_is_said(folders: Path) -> None:
    (folders / "preprocessed" / DATASET / "splits_final.json").unlink()
    cases, warnings = measure(compare(folders / "results"))
    assert len(cases) == 4
    assert len(warnings) == 2
    assert "which cases fold 0 validates on is not known" in warnings[0]


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (None, "gt_segmentations"),
        ("raw", "labelsTr"),
        (f"raw/{DATASET}", "labelsTr"),
        (f"raw/{DATASET}/labelsTr", "labelsTr"),
        ("preprocessed", "gt_segmentations"),
    ],
)
def test_where_labels_of_validation_cases_are_looked_for(labels: str | None, expected: str, folders: Path) -> None:
    write_cases(folders / "raw" / DATASET / "labelsTr", CASES)
    comparison = compare(folders / "results", folders / labels if labels else None)[0]
    assert comparison.reference.folder.name == expected
    assert comparison.reference.splits == (("a", "b"), ("c", "d"))


def test_test_levels_find_their_labels_in_nnunet_raw(folders: Path) -> None:
    write_cases(folders / "raw" / DATASET / "labelsTs", {"t": draw("1..")})
    write_cases(level_folder(folders / "p", TRAINER, "hardest"), {"t": draw("1..")})
    assert compare(folders / "p")[0].reference.folder.name == "labelsTs"


def test_no_labels_anywhere(folders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("raw", "preprocessed"):
        monkeypatch.delenv(f"nnUNet_{name}")
    with pytest.raises(UserError, match=rf"no labels of {DATASET} found; give the folder .* with --labels"):
        compare(folders / "results")


def test_collected_cross_validation(folders: Path) -> None:
    """Used where fold folders have no predictions, or where it is given; never beside them, which would count twice."""
    trainer = folders / "results" / DATASET / f"{TRAINER}__nnUNetPlans__2d"
    collected = write_cases(trainer / "crossval_results_folds_0_1", CASES)
    write_cases(collected / "postprocessed", CASES)
    assert [run.fold for run in find_runs(folders / "results")] == ["0", "1"]
    comparisons = compare(collected)
    cases, _ = measure(comparisons)
    assert cases["fold"].tolist() == ["0_1"] * 4
    assert comparisons[0].runs[0].place == f"{DATASET}/{trainer.name}/crossval_results_folds_0_1"
    for fold in (0, 1):
        for path in (trainer / f"fold_{fold}" / "validation").iterdir():
            path.unlink()
    for root in (folders / "results", trainer.parent, trainer):
        assert [run.fold for run in find_runs(root)] == ["0_1"]


@pytest.mark.parametrize("depth", range(4))
def test_any_folder_of_a_tree_may_be_given(depth: int, folders: Path) -> None:
    """The results, a data set, a network, a fold: the names are read off the way there."""
    root = folders.joinpath("results", DATASET, f"{TRAINER}__nnUNetPlans__2d", "fold_1")
    for _ in range(3 - depth):
        root = root.parent
    runs = find_runs(root)
    assert [run.fold for run in runs] == ["0", "1"][-len(runs) :]
    assert {run.dataset for run in runs} == {DATASET}
    assert find_runs(root / "validation" if depth == 3 else runs[-1].folder) == runs[-1:]


def test_a_level_folder_s_own_names_can_be_overruled(folders: Path) -> None:
    folder = write_cases(level_folder(folders / "p", TRAINER, "hardest"), {"a": CASES["a"]})
    assert (find_runs(folder)[0].architecture, find_runs(folder)[0].level) == ("UNet", "hardest")
    named = find_runs(folder, "Mine", "easier")[0]
    assert (named.architecture, named.level) == ("Mine", "easier")


def test_validation_beside_test_levels_is_left_out(folders: Path) -> None:
    for fold in (0, 1):
        write_cases(level_folder(folders / "results", TRAINER, "hardest", fold), {"t": draw("1..")})
    labels = write_cases(folders / "raw" / DATASET / "labelsTs", {"t": draw("1..")})
    _, warnings = measure(compare(folders / "results", labels))
    assert len(warnings) == 2
    assert "fold_0/validation was left out" in warnings[0]


def test_networks_with_other_cases_are_not_mixed(folders: Path) -> None:
    write_cases(level_folder(folders / "results", "nnUNetTrainerNoSkip", "hardest"), {"t": draw("1..")})
    with pytest.raises(UserError, match="their labels differ: give the folders of one kind at a time"):
        find_runs(folders / "results")


def test_a_validation_case_without_a_label(folders: Path) -> None:
    (folders / "preprocessed" / DATASET / "gt_segmentations" / "d.png").unlink()
    (folders / "results" / DATASET / f"{TRAINER}__nnUNetPlans__2d" / "fold_1" / "validation" / "d.png").unlink()
    with pytest.raises(UserError, match="no label for 'd', a validation case of fold 1"):
        compare(folders / "results")


def evaluated(folders: Path, cases: dict[str, LabelMap]) -> Path:
    """A folder of predictions that nnU-Net itself has evaluated, of labels, a region and an ignore label."""
    labels = write_cases(folders / "labels", {"a": draw("1124", "1.3."), "b": draw("....", "...3")})
    write_dataset_json(labels, {"one": 1, "joined": [1, 2], "three": 3, "ignore": 4})
    predictions = write_cases(folders / "mine", cases)
    from nnunetv2.evaluation.evaluate_predictions import compute_metrics, save_summary_json
    from nnunetv2.imageio.natural_image_reader_writer import NaturalImage2DIO
    from nnunetv2.utilities.json_export import recursive_fix_for_json_export

    names = sorted(cases)
    pairs = [(str(labels / f"{name}.png"), str(predictions / f"{name}.png")) for name in names]
    found = [compute_metrics(*pair, NaturalImage2DIO(), [1, (1, 2), 3], 4) for pair in pairs]
    summary = {"metric_per_case": found, "mean": {}, "foreground_mean": {}}
    recursive_fix_for_json_export(summary)
    save_summary_json(summary, str(predictions / "summary.json"))
    return predictions


def test_our_dsc_is_held_against_nnunet_s(tmp_path: Path) -> None:
    """Equal, silence; where the predictions have changed since, the cases that differ are named."""
    predictions = evaluated(tmp_path, {"a": draw("1112", "2.33"), "b": draw("....", "....")})
    assert "NaN" in (predictions / "summary.json").read_text(encoding="utf-8")  # two empty masks
    assert measure(compare(predictions, tmp_path / "labels"))[1] == []
    write_cases(predictions, {"a": draw("1112", "2.3.")})
    (warning,) = measure(compare(predictions, tmp_path / "labels"))[1]
    assert warning == (
        "mine/summary.json: nnU-Net's DSC differs from ours in 1 of 6 rows (a, label three: 0.6667 there, 1.0000 "
        "here); predictions or labels have probably changed since it was written."
    )


def test_our_dsc_equals_nnunetv2_evaluate_folder_s(tmp_path: Path) -> None:
    """As its users run it: on a folder, into summary.json beside the predictions."""
    from nnunetv2.evaluation.evaluate_predictions import compute_metrics_on_folder
    from nnunetv2.imageio.natural_image_reader_writer import NaturalImage2DIO

    predictions = evaluated(tmp_path, {"a": draw("1112", "2.33"), "b": draw("....", "....")})
    output = str(predictions / "summary.json")
    labels = str(tmp_path / "labels")
    regions = [1, (1, 2), 3]
    compute_metrics_on_folder(labels, str(predictions), output, NaturalImage2DIO(), ".png", regions, 4, 1)
    assert measure(compare(predictions, tmp_path / "labels"))[1] == []
    write_cases(predictions, {"a": draw("1112", "2.3.")})
    assert len(measure(compare(predictions, tmp_path / "labels"))[1]) == 1


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"metric_per_case": [1]}'])
def test_an_unreadable_evaluation_is_said(content: str, tmp_path: Path) -> None:
    labels = write_cases(tmp_path / "labels", {"a": draw("1")})
    predictions = write_cases(tmp_path / "mine", {"a": draw("1")})
    (predictions / "summary.json").write_text(content, encoding="utf-8")
    write_dataset_json(labels, {"object": 1})
    (warning,) = measure(compare(predictions, labels))[1]
    assert "can't be read as nnU-Net's evaluation" in warning
