"""Files of all the kinds that the analysis reads: volumes, regions, label folders, foreign names."""

import itertools
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import SimpleITK as sitk
from made_up_predictions import DATASET, LabelMap, draw, level_folder, write_cases, write_dataset_json
from measuring import compare, measure

from nnunet_skipstudy.analysis.inputs.find import find_runs
from nnunet_skipstudy.analysis.inputs.labels import LabelSet, parse_label_set
from nnunet_skipstudy.analysis.inputs.matching import Extra
from nnunet_skipstudy.analysis.inputs.runs import case_files
from nnunet_skipstudy.analysis.pipeline import AnalysisResult, AnalyzeOptions, analyze
from nnunet_skipstudy.errors import UserError

SPACING = (3.0, 2.0, 0.5)  # of slice, row, column


GEOMETRY = {"Spacing": SPACING[::-1], "Origin": (1.0, 2.0, 3.0), "Direction": (1, 0, 0, 0, 1, 0, 0, 0, 1)}
"""Of volumes, in SimpleITK's order."""


def write_volumes(folder: Path, volumes: Mapping[str, LabelMap], **other: tuple[float, ...]) -> Path:
    """Write volumes; ``other`` replaces parts of :data:`GEOMETRY`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, labels in volumes.items():
        image = sitk.GetImageFromArray(labels)
        for what, values in {**GEOMETRY, **other}.items():
            getattr(image, f"Set{what}")(values)
        sitk.WriteImage(image, str(folder / f"{name}.nii.gz"))
    return folder


def run(predictions: Path, labels: Path, **options: object) -> AnalysisResult:
    made = AnalyzeOptions(predictions, labels, predictions.parent / "out", progress=False, workers=1, **options)  # type: ignore[arg-type]
    return analyze(made)


def cases_of(predictions: Path, labels: Path) -> pd.DataFrame:
    """The table of cases alone, without statistics and figures, which take seconds."""
    return measure(compare(predictions, labels))[0]


def dot(*position: int) -> LabelMap:
    volume = np.zeros((4, 5, 6), dtype=np.uint8)
    volume[position] = 1
    return volume


def test_volumes_are_measured_in_millimetres(tmp_path: Path) -> None:
    """One slice (3 mm), two rows (4 mm) and zero columns apart is 5 mm; beyond 2 mm, within 5 mm."""
    labels = write_volumes(tmp_path / "labels", {"a": dot(1, 1, 1), "b": dot(0, 0, 0)})
    predictions = write_volumes(tmp_path / "predictions", {"a": dot(2, 3, 1), "b": dot(0, 0, 0) * 0})
    cases = cases_of(predictions, labels).set_index("case")
    assert cases.loc["a", "hd"] == pytest.approx(5)
    assert cases.loc["a", "nsd"] == 0
    assert cases.loc["b", "hd"] == pytest.approx(np.sqrt(12**2 + 10**2 + 3**2))
    assert run(predictions, labels, tolerance=5.0).cases.set_index("case").loc["a", "nsd"] == 1
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "Distances are in millimetres" in page
    assert "tolerance of 5 mm" in page


def test_a_volume_of_one_slice_is_a_2d_image(tmp_path: Path) -> None:
    """Measured as a volume, the middle pixel would be surface too, and ASSD 1/9 x 2 instead of 1/8 x 2."""
    square = np.zeros((1, 5, 5), dtype=np.uint8)
    square[0, 1:4, 1:4] = 1
    ring = square.copy()
    ring[0, 2, 2] = 0
    labels = write_volumes(tmp_path / "labels", {"a": square})
    predictions = write_volumes(tmp_path / "predictions", {"a": ring})
    assert cases_of(predictions, labels)["assd"].tolist() == [0.0]


def test_another_spacing_is_refused(tmp_path: Path) -> None:
    """Same shape, same voxels, but of another size: the message names both files and the difference."""
    labels = write_volumes(tmp_path / "labels", {"a": dot(1, 1, 1)})
    predictions = write_volumes(tmp_path / "predictions", {"a": dot(1, 1, 1)}, Spacing=(0.5, 2.0, 3.1))
    with pytest.raises(UserError, match=r"spacing \(3.1, 2, 0.5\) and \(3, 2, 0.5\); resample") as error:
        run(predictions, labels)
    assert str(predictions / "a.nii.gz") in str(error.value)
    assert str(labels / "a.nii.gz") in str(error.value)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("what", "values", "words"),
    [
        ("Origin", (1.0, 2.5, 3.0), "origin (1, 2.5, 3) and (1, 2, 3)"),
        ("Direction", (0, 1, 0, 1, 0, 0, 0, 0, 1), "direction (0, 1, 0, 1, 0, 0, 0, 0, 1) and (1, 0, 0, "),
        ("Direction", (-1, 0, 0, 0, -1, 0, 0, 0, 1), "direction (-1, 0, 0, 0, -1, 0, 0, 0, 1) and (1, 0, 0, "),
    ],
)
def test_labels_that_lost_their_place_are_compared_with_a_warning(what, values, words, tmp_path: Path) -> None:
    """nnU-Net trained on them and predicts in the image's place: voxel by voxel the two are about the same."""
    labels = write_volumes(tmp_path / "labels", {case: dot(1, 1, 1) for case in "ab"})
    predictions = write_volumes(tmp_path / "predictions", {case: dot(1, 1, 1) for case in "ab"}, **{what: values})
    cases, warnings = measure(compare(predictions, labels))
    assert cases["dsc"].tolist() == [1.0, 1.0]
    (warning,) = [text for text in warnings if words in text]
    assert f"{predictions / 'a.nii.gz'} and its label {labels / 'a.nii.gz'} differ" in warning
    assert "2 predictions are like that" in warning


def test_rounding_of_a_file_format_is_the_same_grid(tmp_path: Path) -> None:
    """NIfTI keeps single precision: 0.1 comes back as 0.10000000149."""
    labels = write_volumes(tmp_path / "labels", {"a": dot(1, 1, 1)}, Origin=(0.1, 2.0, 3.0))
    predictions = write_volumes(tmp_path / "predictions", {"a": dot(1, 1, 1)}, Origin=(0.1000001, 2.0, 3.0))
    assert measure(compare(predictions, labels))[0]["dsc"].tolist() == [1.0]


def test_a_prediction_without_spacing_for_a_label_with_one(tmp_path: Path) -> None:
    image = draw("1..", "...")
    labels, predictions = tmp_path / "labels", write_cases(tmp_path / "predictions", {"a": image})
    labels.mkdir()
    sitk.WriteImage(sitk.GetImageFromArray(image), str(labels / "a.mha"))
    with pytest.raises(UserError, match=r"a\.png has no spacing, its label .*a\.mha has a spacing; give both"):
        run(predictions, labels)


@pytest.mark.parametrize("odd", ["labels", "predictions"])
def test_pairs_of_nii_and_nii_gz_are_refused(odd: str, tmp_path: Path) -> None:
    """With x.nii beside x.nii.gz, readers return the wrong one's pixels; on either side."""
    for name in ("labels", "predictions"):
        write_volumes(tmp_path / name, {"x": dot(1, 1, 1)})
    sitk.WriteImage(sitk.GetImageFromArray(dot(0, 0, 0)), str(tmp_path / odd / "x.nii"))
    with pytest.raises(UserError, match=rf"{odd}: holds both x.nii and x.nii.gz for one case; remove one"):
        run(tmp_path / "predictions", tmp_path / "labels")


def test_extra_predictions_are_refused_or_listed(tmp_path: Path) -> None:
    """Absent ones count as failures either way."""
    labels = write_cases(tmp_path / "labels", {"a": draw("1"), "b": draw("1")})
    predictions = write_cases(tmp_path / "p", {"a": draw("1"), "c": draw("1"), "d": draw("1")})
    with pytest.raises(UserError, match=r"no label for case 'c' in .*--extra list"):
        compare(predictions, labels)
    cases, warnings = measure(compare(predictions, labels, extra=Extra.LIST))
    assert cases["case"].tolist() == ["a", "b"]
    assert cases["outcome"].tolist() == ["both", "absent"]
    assert warnings == [
        "p: 1 of 2 predictions are absent (b); each counts as a failure.",
        "p: 2 extra predictions without a label left out (c, d).",
    ]
    (predictions / "a.png").unlink()
    with pytest.raises(UserError, match="has a label for none of the predictions"):
        compare(predictions, labels, extra=Extra.LIST)


def test_files_of_macos_are_no_cases(tmp_path: Path) -> None:
    (write_cases(tmp_path, {"a": draw("1")}) / "._a.png").write_bytes(b"")
    assert list(case_files(tmp_path)) == ["a"]


REGIONS = draw(
    "1122",
    "1133",
    "9900",
)


def test_regions_and_the_ignore_label(tmp_path: Path) -> None:
    """The region joins 1-3; voxels whose reference is 9 don't count, whatever was predicted there."""
    labels = write_cases(tmp_path / "labels", {"a": REGIONS})
    write_dataset_json(labels, {"whole": [1, 2, 3], "core": [2], "rest": 3, "ignore": 9})
    predicted = draw("1111", "1111", "2200")
    predictions = write_cases(tmp_path / "predictions", {"a": predicted})
    cases = cases_of(predictions, labels).set_index("label")
    assert list(cases.index) == ["whole", "core", "rest"]
    assert cases["dsc"].tolist() == [1.0, 0.0, 0.0]
    assert cases["outcome"].tolist() == ["both", "missed", "missed"]
    assert cases["predicted_size"].tolist() == [8, 0, 0]


def test_dsc_equals_nnunet_s_own(tmp_path: Path) -> None:
    """For labels, a region and an ignore label, against nnunetv2's evaluation."""
    rng = np.random.default_rng(5)
    reference, predicted = rng.integers(0, 5, (2, 12, 9)).astype(np.uint8)
    predicted[predicted == 4] = 0
    labels = write_cases(tmp_path / "labels", {"a": reference})
    write_dataset_json(labels, {"one": 1, "joined": [1, 2], "three": 3, "ignore": 4})
    predictions = write_cases(tmp_path / "predictions", {"a": predicted})
    ours = cases_of(predictions, labels).set_index("label")["dsc"]
    from nnunetv2.evaluation.evaluate_predictions import compute_metrics
    from nnunetv2.imageio.natural_image_reader_writer import NaturalImage2DIO

    files = (str(folder / "a.png") for folder in (labels, predictions))
    theirs = compute_metrics(*files, NaturalImage2DIO(), [1, (1, 2), 3], 4)["metrics"]
    assert ours.tolist() == pytest.approx([theirs[key]["Dice"] for key in (1, (1, 2), 3)])


def test_without_dataset_json_labels_are_the_references_values(tmp_path: Path) -> None:
    labels = write_cases(tmp_path / "labels", {"a": draw("12."), "b": draw("..7")})
    predictions = write_cases(tmp_path / "predictions", {"a": draw("12."), "b": draw("..7")})
    result = run(predictions, labels)
    assert list(dict.fromkeys(result.cases["label"])) == ["1", "2", "7"]
    assert any("no dataset.json was found" in warning for warning in result.warnings)


def test_dataset_json_beside_the_predictions_comes_first(tmp_path: Path) -> None:
    """nnU-Net writes it there; it is looked for next beside the labels, then above the predictions."""
    labels = write_cases(tmp_path / "data" / "labels", {"a": draw("1")})
    predictions = tmp_path / "predictions"
    folder = write_cases(level_folder(predictions, "nnUNetTrainerUNet", "easier"), {"a": draw("1")})
    for place, name in ((predictions, "organ"), (labels.parent, "Organ"), (labels, "oRgan"), (folder, "ORGAN")):
        write_dataset_json(place, {name: 1})
        assert cases_of(predictions, labels)["label"].tolist() == [name]


def test_folders_that_disagree_on_labels_are_refused(tmp_path: Path) -> None:
    labels = write_cases(tmp_path / "labels", {"a": draw("1")})
    for level, name in (("easier", "x"), ("hardest", "y")):
        folder = write_cases(level_folder(tmp_path / "p", "nnUNetTrainerUNet", level), {"a": draw("1")})
        write_dataset_json(folder, {name: 1})
    with pytest.raises(UserError, match="other labels than"):
        run(tmp_path / "p", labels)


@pytest.mark.parametrize("labels", [{}, {"background": 0}, {"a": "x"}, {"a": []}, [1, 2]])
def test_a_broken_dataset_json_is_named(labels: object) -> None:
    with pytest.raises(UserError, match=r"some/dataset\.json"):
        parse_label_set({"labels": labels}, Path("some/dataset.json"))


def test_labels_of_nnunet() -> None:
    content = {"labels": {"background": 0, "kidney": [1, 2], "cyst": 2, "ignore": 3}}
    labels = parse_label_set(content, Path("dataset.json"))
    assert labels == LabelSet({"kidney": (1, 2), "cyst": (2,)}, 3, Path("dataset.json"))
    assert labels.known == {0, 1, 2, 3}


def test_runs_of_a_tree(tmp_path: Path) -> None:
    """Registry order, then others' trainers under their own names; odds and ends of nnU-Net are left out."""
    trainers = ("nnUNetTrainer", "nnUNetTrainerUNet_seed2_5epochs", "nnUNetTrainerNoSkip", "nnUNetTrainerUNet_x")
    for trainer, level in itertools.product(trainers, ("easier", "hardest")):
        write_cases(level_folder(tmp_path, trainer, level), {"a": draw("1")})
    level_folder(tmp_path, "nnUNetTrainer", "logs").mkdir()
    (tmp_path / DATASET / "other").mkdir()
    runs = find_runs(tmp_path)
    assert [run.architecture for run in runs[::2]] == [
        "NoSkip", "UNet", "nnUNetTrainer", "nnUNetTrainerUNet_x",
    ]  # fmt: skip
    assert [run.level for run in runs[:2]] == ["hardest", "easier"]
    unet = runs[2]
    assert (unet.seed, unet.network, unet.fold) == (2, "nnUNetTrainerUNet_5epochs", "0")
    assert runs == find_runs(tmp_path / DATASET)


def test_several_data_sets_take_their_labels_from_nnunet_raw(tmp_path: Path) -> None:
    for name in ("Dataset901_A", "Dataset902_B"):
        write_cases(tmp_path / "raw" / name / "labelsTs", {"a": draw("1..")})
        folder = level_folder(tmp_path / "p", "nnUNetTrainerUNet", "easier", dataset=name)
        write_cases(folder, {"a": draw("1..")})
    result = run(tmp_path / "p", tmp_path / "raw")
    assert result.cases["dataset"].tolist() == ["Dataset901_A", "Dataset902_B"]
    with pytest.raises(UserError, match="no labels of Dataset901_A found"):
        run(tmp_path / "p", tmp_path / "raw" / "Dataset901_A" / "labelsTs")
