"""What can't run is refused before anything does: by the dry run and by the run."""

import json
import shutil
from pathlib import Path

import pytest
from foreign import write_foreign
from tiny_study import TEXT, write_study

from nnunet_skipstudy.cli import main
from nnunet_skipstudy.commands.perturb import parser as perturb_parser
from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.planning.preprocess import ensure_splits
from nnunet_skipstudy.study.steps.perturb import OPTIONS
from nnunet_skipstudy.study.steps.shift import _seen

OWN = """\
datasets: [{{id: 777{more}}}]
architectures: [UNet]
levels: [unperturbed]
device: cpu
"""


def refusal(path: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """What a dry run and a run both say."""
    said = []
    for options in (["--dry-run"], []):
        assert main(["run", str(path), *options]) == 2
        said.append([line for line in capsys.readouterr().err.splitlines() if ": warning: " not in line])
    assert said[0] == said[1]
    assert len(said[0]) == 1
    assert not (path.parent / "nnUNet_results").exists()
    return said[0][0].removeprefix(f"skipstudy: {path}: ")


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (", levels: [unperturbed, hardest, mine]", "has no imagesTs_mine, and nothing makes it; leave this level out"),
        (
            ', levels: [mine], perturb: [--level, "mine:speckle:variance=0.1"], folds: 5',
            "has no splits of its own, nnU-Net draws folds 0 to 4, not 5; choose among these",
        ),
        (
            ', levels: [yours], perturb: ["--level=mine:speckle:variance=0.1"]',
            "has no imagesTs_yours, and nothing makes it",
        ),
        (
            ', levels: [mine], perturb: [--level, "mine:speckle"]',
            "perturbation 'speckle'; write speckle:variance=NUMBER",
        ),
        (', levels: [mine], perturb: [--calibrate, "mine:speckle:quantile"]', "calibration 'mine:speckle:quantile'"),
        (
            ", perturb: [factorial]",
            "data set 777: perturb: 'factorial' is no argument of 'skipstudy perturb'; write perturb",
        ),
        (", perturb: [--levels, factorial, textur]", "perturb: 'textur' is no argument of 'skipstudy perturb'"),
        (", perturb: [--levle, texture]", "perturb: '--levle' is no argument of 'skipstudy perturb'"),
        (", configuration: 3d", "data set 777: configuration '3d'; choose one of 2d, 3d_fullres, 3d_lowres"),
        (", configuration: 3d_cascade_fullres", "configuration '3d_cascade_fullres'; choose one of"),
        (", configuration: 3d_fullres", "configuration '3d_fullres' of flat images (.png); choose 2d"),
    ],
)
def test_a_data_set_without_what_is_asked_of_it(
    tmp_path: Path, more: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    write_foreign(tmp_path / "nnUNet_raw", "Dataset777_Foreign", n_train=5)
    assert words in refusal(write_study(tmp_path, OWN.format(more=more)), capsys)


def test_a_data_set_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_study(tmp_path, OWN.format(more=""))
    assert "holds no data set 777; convert it, or name a converter in the study" in refusal(path, capsys)


@pytest.mark.parametrize("other", ["nnUNet_raw", "nnUNet_preprocessed"])
def test_an_identifier_of_two_data_sets(tmp_path: Path, other: str, capsys: pytest.CaptureFixture[str]) -> None:
    """In whichever of nnU-Net's folders the second one lies."""
    write_foreign(tmp_path / "nnUNet_raw", "Dataset777_Foreign", n_train=5)
    (tmp_path / other / "Dataset777_Another").mkdir(parents=True)
    path = write_study(tmp_path, OWN.format(more=""))
    for command in (["run", "--dry-run"], ["run"], ["status"], ["commands"]):
        assert main([*command, str(path)]) == 2
        assert "data set 777 is ambiguous" in capsys.readouterr().err


def test_plans_of_another_hand(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """They are not ours to replace, nor to take for ours; the remedy names the key."""
    raw = write_foreign(tmp_path / "nnUNet_raw", "Dataset777_Foreign", n_train=5)
    plans = tmp_path / "nnUNet_preprocessed" / raw.name / "nnUNetPlans.json"
    plans.parent.mkdir(parents=True)
    plans.write_text("{}")
    said = refusal(write_study(tmp_path, OWN.format(more="")), capsys)
    assert "nnUNetPlans.json: plans that were made with other settings or by others" in said
    assert "plans.name in study.yaml" in said
    assert main(["run", str(write_study(tmp_path, OWN.format(more="") + "plans: {name: mine}\n")), "--dry-run"]) == 0


def test_a_fold_beyond_the_users_splits(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    raw = write_foreign(tmp_path / "nnUNet_raw", "Dataset777_Foreign", n_train=5)
    splits = tmp_path / "nnUNet_preprocessed" / raw.name / "splits_final.json"
    splits.parent.mkdir(parents=True)
    splits.write_text(json.dumps(2 * [{"train": ["case0"], "val": ["case1"]}]))
    path = write_study(tmp_path, OWN.format(more=", folds: [1, 2]"))
    assert "fold 2: " in (said := refusal(path, capsys))
    assert "has folds 0 to 1; choose among these (folds)" in said


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('[{"train": ["case0"', "Expecting"),
        ("[" * 5000, "nested too deeply"),
        ("[]", "it is no list of folds"),
        ('{"train": ["case0"], "val": ["case1"]}', "it is no list of folds"),
        ('[{"train": ["case0"]}]', "fold 0 has no lists of cases under train and val"),
        ('[{"train": ["case0"], "val": ["case1"]}, {"train": [0], "val": [1]}]', "fold 1 has no lists of cases"),
    ],
)
def test_the_users_damaged_splits(
    tmp_path: Path, content: str, words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Named before the first cell, and by the plan, which leaves splits alone that are the user's."""
    raw = write_foreign(tmp_path / "nnUNet_raw", "Dataset777_Foreign", n_train=5)
    splits = tmp_path / "nnUNet_preprocessed" / raw.name / "splits_final.json"
    splits.parent.mkdir(parents=True)
    splits.write_text(content)
    path = write_study(tmp_path, OWN.format(more=", folds: [0]"))
    assert f"{splits}: can't be read as splits (" in (said := refusal(path, capsys))
    assert words in said
    monkeypatch.setenv("nnUNet_raw", str(raw.parent))
    with pytest.raises(UserError, match="can't be read as splits"):
        ensure_splits(splits.parent)
    assert splits.read_text() == content


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"size": "small"}, "argument --size: invalid int value: 'small'"),
        ({"train": "6\n      trian: 6"}, "unrecognized arguments: --trian 6"),
        (
            {"levels": "[alpha0.10, alpha0.35]"},
            "level 'alpha0.35' is none that its converter makes (alpha0.10, alpha0.90)",
        ),
        ({"levels": "[alpha0.10]\n    folds: [0, 1]"}, "fold 1: its converter makes folds 0 to 0; choose among these"),
        ({"tta": "false\nmetrics: {reference_level: 0.5}"}, "metrics.reference_level: 'alpha0.50' is no level of the"),
        ({"tta": "false\ngroups: '['"}, "groups: '[' is no regular expression"),
        ({"tta": "false\ngroups: patients.csv"}, "patients.csv: no such file; give a table with the columns case and"),
        ({"name": "tinyPlans\n  planner: Planer"}, "plans.planner: nnU-Net has no 'Planer'"),
    ],
)
def test_what_a_converter_or_a_step_does_not_know(
    tmp_path: Path, change: dict[str, str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert words in refusal(write_study(tmp_path, **change), capsys)


def test_a_converter_of_a_download_wants_one_and_has_eleven_folds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study = "datasets: [{{id: 502, converter: busi, {more}}}]\narchitectures: [UNet]\ndevice: cpu\n"
    assert "no sources; give the download's folder or archive once" in refusal(
        write_study(tmp_path, study.format(more="folds: 0")), capsys
    )
    more = "source: BUSI, folds: [10, 11]"
    assert "its converter makes folds 0 to 10" in refusal(write_study(tmp_path, study.format(more=more)), capsys)
    more = "source: BUSI, options: {protocol: mine}"
    assert "protocol 'mine'" in refusal(write_study(tmp_path, study.format(more=more)), capsys)


def test_a_download_that_is_not_there_yet_is_a_warning(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The hours of a study are asked for before days of downloading."""
    text = "datasets: [{id: 502, converter: busi, source: BUSI}]\narchitectures: [UNet]\n"
    path = write_study(tmp_path, text)
    assert main(["run", "--dry-run", str(path)]) == 0
    warning = "skipstudy: warning: data set 502: source 'BUSI': no such file or folder; fetch it, or mend"
    assert warning in capsys.readouterr().err


def test_several_reasons_are_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_study(tmp_path, TEXT + "groups: '['\n", size="small")
    assert "(1 more like this: groups: '['" in refusal(path, capsys)


ON_ANOTHER = """\
datasets: [{{id: 777, test_on: {others}}}{more}]
architectures: [UNet]
levels: [unperturbed]
device: cpu
"""


@pytest.mark.parametrize(
    ("others", "words"),
    [
        ("779", "holds no data set 779; convert it, or name a converter in the study"),
        ("elsewhere", "test_on: 'elsewhere' is the name of no data set in"),
        ("labels", "networks trained on data set 777 can't be tested on 781: their labels differ (only one has core)"),
        ("782", "can't be tested on 782: their channels differ (ct and ct, ct); give both the same"),
        ("[783]", "can't be tested on 783: their file endings differ (.png and .tif)"),
        ("784", "has no labelsTs; add the test set that networks are tested on, unperturbed"),
        ("busi", "can't be tested on 502: their labels differ (rim is 1 in one, lesion is 1 in the other)"),
        ("synthetic", "can't be tested on 501: the converter makes no imagesTs"),
    ],
)
def test_data_sets_that_a_network_can_not_be_tested_on(
    tmp_path: Path, others: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also those that the study is yet to convert: before anything is trained."""
    raw = tmp_path / "nnUNet_raw"
    write_foreign(raw, "Dataset777_Foreign", n_train=5)
    content = json.loads((write_foreign(raw, "Dataset781_Labels") / "dataset.json").read_text())
    del content["labels"]["core"]
    (raw / "Dataset781_Labels" / "dataset.json").write_text(json.dumps(content))
    write_foreign(raw, "Dataset782_Channels", n_channels=2)
    write_foreign(raw, "Dataset783_Endings", ending=".tif")
    (write_foreign(raw, "Dataset784_Unlabelled") / "labelsTs").rename(raw / "Dataset784_Unlabelled" / "elsewhere")
    entries = {
        "busi": ", {id: 502, converter: busi, source: busi, train: false}",
        "synthetic": ", {id: 501, converter: synthetic, train: false}",
    }
    study = write_study(tmp_path, ON_ANOTHER.format(others=others, more=entries.get(others, "")))
    if others == "elsewhere":
        assert main(["run", str(study)]) == 2
        assert words in capsys.readouterr().err
    else:
        assert words in refusal(study, capsys)


def test_a_network_is_not_tested_elsewhere_on_what_it_was_trained_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two data sets made of one download: the same bytes under another name, one of four."""
    raw = tmp_path / "nnUNet_raw"
    own, other = write_foreign(raw, "Dataset777_Foreign", n_train=5), write_foreign(raw, "Dataset779_Half")
    study = write_study(tmp_path, ON_ANOTHER.format(others="779", more=""))
    assert main(["run", "--dry-run", str(study)]) == 0
    capsys.readouterr()
    shutil.copy(own / "imagesTr" / "case3_0000.png", other / "imagesTs" / "case1_0000.png")
    _seen.cache_clear()  # within one process a data set is looked at once
    assert (
        "test_on: test images of Dataset779_Half are training images of Dataset777_Foreign (1, such as "
        "case1_0000.png); remove these cases, or leave 779 out of test_on"
    ) in refusal(study, capsys)


def test_other_images_of_one_size_are_no_images_that_were_trained_on(tmp_path: Path) -> None:
    """Contents count, not names or sizes; folders and dead links are passed over, and no folder has none."""
    trained, tested, hashes = tmp_path / "imagesTr", tmp_path / "imagesTs", tmp_path / "hashes.json"
    for folder, contents in ((trained, (b"aaaa", b"bbbb")), (tested, (b"cccc", b"bbbb", b"aaa", b"bbbb"))):
        (folder / "more").mkdir(parents=True)
        (folder / "dead.png").symlink_to("gone.png")
        for number, content in enumerate(contents):
            (folder / f"case{number}_0000.png").write_bytes(content)
    assert _seen(trained, tested, hashes) == ["case1_0000.png", "case3_0000.png"]
    assert _seen(trained, tmp_path / "none", hashes) == []
    assert _seen(tmp_path / "none", tested, hashes) == []


def test_what_a_study_may_say_of_perturbing_is_what_the_command_takes() -> None:
    """But for the data set, its folders and the help, which are the study's to say: a new option belongs in both."""
    taken = {option for action in perturb_parser()._actions for option in action.option_strings}
    assert set(OPTIONS) == taken - {"-h", "--help", "-d", "--dataset", "-i", "--images", "--masks", "-o", "--output"}
