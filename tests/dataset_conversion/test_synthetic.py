"""The synthetic data set: its layout, its bytes, and what it refuses."""

import csv
import hashlib
import json
import os
import subprocess
import sys

import numpy as np
import pytest
from skimage.io import imread, imsave

from nnunet_skipstudy import cli
from nnunet_skipstudy.conversion import synthetic
from nnunet_skipstudy.conversion.synthetic import SyntheticOptions, convert
from nnunet_skipstudy.dataset_conversion import synthetic as script
from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.registry import alpha_level
from nnunet_skipstudy.texture import texture_disparity
from nnunet_skipstudy.texture.shapes import shape_mask

SMALL = {"alphas": (0.1, 0.55), "test_alphas": (0.1, 0.9, 1.0), "size": 32, "train": 3, "val": 2, "test": 2}
ARGUMENTS = [
    "--alphas",
    "0.1",
    "0.55",
    "--test-alphas",
    "0.1",
    "0.9",
    "1",
    "--size",
    "32",
    "--train",
    "3",
    "--val",
    "2",
    "--test",
    "2",
]


@pytest.fixture
def roots(tmp_path, monkeypatch):
    """nnU-Net's folders under a temporary one, not yet made."""
    for variable in ("nnUNet_raw", "nnUNet_preprocessed", "nnUNet_results"):
        monkeypatch.setenv(variable, str(tmp_path / "study" / variable))
    return tmp_path / "study"


def table(path):
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def contents(root):
    """The digest of every file under a folder, by its path in it."""
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def skipstudy(*arguments, capsys):
    """Exit code and the lines on stderr of ``skipstudy convert synthetic``."""
    code = cli.main(["convert", "synthetic", *ARGUMENTS, *map(str, arguments)])
    return code, capsys.readouterr().err.splitlines()


def test_layout(roots):
    folder = convert(SyntheticOptions(**SMALL))
    assert folder == roots / "nnUNet_raw" / "Dataset501_SyntheticTexture"
    training = [f"alpha{a}_{n:03d}" for a in ("010", "055") for n in range(5)]
    images = [f"imagesTr/{case}_0000.png" for case in training]
    labels = [f"labelsTr/{case}.png" for case in training]
    images += [f"imagesTs_alpha{a}/test_{n:03d}_0000.png" for a in ("0.10", "0.90", "1.00") for n in range(2)]
    labels += [f"labelsTs/test_{n:03d}.png" for n in range(2)]
    others = ["dataset.json", "cases.csv", "folds.csv", "splits_final.json"]
    assert sorted(contents(folder)) == sorted(images + labels + others)
    assert {p.name for p in roots.iterdir()} == {"nnUNet_raw", "nnUNet_preprocessed"}
    assert [p.name for p in (roots / "nnUNet_raw").iterdir()] == [folder.name]

    for name in images + labels:
        pixels = imread(folder / name)
        assert pixels.shape == (32, 32)
        assert pixels.dtype == np.uint8
        if name in labels:
            assert np.unique(pixels).tolist() == [0, 1]

    description = json.loads((folder / "dataset.json").read_text())
    assert description["channel_names"] == {"0": "grey"}
    assert description["labels"] == {"background": 0, "object": 1}
    assert description["numTraining"] == 10
    assert description["file_ending"] == ".png"
    assert description["skipstudy"]["provenance"]["seed"] == 0


def test_splits_are_one_fold_an_alpha_in_their_order(roots):
    folder = convert(SyntheticOptions(**{**SMALL, "alphas": (0.55, 0.1)}))
    preprocessed = roots / "nnUNet_preprocessed" / folder.name
    splits = json.loads((preprocessed / "splits_final.json").read_text())
    assert splits == [
        {
            "train": [f"alpha{a}_000", f"alpha{a}_001", f"alpha{a}_002"],
            "val": [f"alpha{a}_003", f"alpha{a}_004"],
        }
        for a in ("055", "010")
    ]
    cases = {row["case"]: row for row in table(folder / "cases.csv")}
    folds = table(folder / "folds.csv")
    assert [(f["fold"], f["name"], f["kind"], f["n_train"], f["n_val"]) for f in folds] == [
        ("0", "alpha0.55", "alpha", "3", "2"),
        ("1", "alpha0.10", "alpha", "3", "2"),
    ]
    for fold, split in zip(folds, splits, strict=True):
        disparities = [float(cases[case]["disparity_excess"]) for case in split["train"]]
        assert float(fold["disparity_min"]) == min(disparities)
        assert float(fold["disparity_max"]) == max(disparities)
        groups = [{cases[case]["group"] for case in split[part]} for part in ("train", "val")]
        assert not groups[0] & groups[1]


def test_cases_tell_of_the_written_files(roots):
    folder = convert(SyntheticOptions(**SMALL))
    rows = table(folder / "cases.csv")
    assert len(rows) == 2 * 5 + 3 * 2
    for row in rows:
        test = row["set"] == "test"
        image_path = folder / (f"imagesTs_{row['level']}" if test else "imagesTr") / f"{row['case']}_0000.png"
        label = imread(folder / ("labelsTs" if test else "labelsTr") / f"{row['case']}.png")
        assert hashlib.sha256(image_path.read_bytes()).hexdigest() == row["sha256"]
        assert float(row["disparity"]) == pytest.approx(texture_disparity(imread(image_path), label), abs=1e-9)
        assert row["source"] == "grass+brick"
        assert row["level"] == alpha_level(float(row["alpha"]))
    assert {row["sorted_by"] for row in rows} == {"excess"}
    ordered = sorted(rows, key=lambda row: float(row["disparity_excess"]))
    assert ordered[0]["category"] == "hardest"
    assert ordered[-1]["category"] == "easiest"


@pytest.mark.parametrize("direction", ["foreground", "background"])
def test_only_alpha_differs_between_levels(roots, direction):
    """One region is untouched by alpha, the other one runs from texture to texture."""
    folder = convert(SyntheticOptions(**{**SMALL, "test_alphas": (0, 0.5, 1)}, direction=direction))
    for case in ("test_000", "test_001"):
        label = imread(folder / "labelsTs" / f"{case}.png") == 1
        low, middle, high = (
            imread(folder / f"imagesTs_{alpha_level(alpha)}" / f"{case}_0000.png").astype(float)
            for alpha in (0, 0.5, 1)
        )
        blended = label if direction == "foreground" else ~label
        np.testing.assert_array_equal(low[~blended], high[~blended])
        assert (low[blended] != high[blended]).mean() > 0.8
        np.testing.assert_allclose(middle, (low + high) / 2, atol=0.51)


def test_folds_are_paired(roots):
    """The training images of two alphas have the same labels and the same untouched background."""
    folder = convert(SyntheticOptions(**SMALL))
    for number in range(5):
        names = [f"alpha{alpha}_{number:03d}" for alpha in ("010", "055")]
        labels = [imread(folder / "labelsTr" / f"{name}.png") for name in names]
        images = [imread(folder / "imagesTr" / f"{name}_0000.png") for name in names]
        np.testing.assert_array_equal(*labels)
        np.testing.assert_array_equal(*(image[labels[0] == 0] for image in images))


def test_training_and_test_come_from_different_halves(roots, tmp_path):
    """A texture whose left half is dark and whose right half is bright: no dark test image, no bright other one."""
    halves = np.hstack([np.full((80, 100), 50), np.full((80, 100), 200)]).astype(np.uint8)
    imsave(tmp_path / "halves.png", halves, check_contrast=False)
    source = str(tmp_path / "halves.png")
    folder = convert(SyntheticOptions(**SMALL, textures=(source, source)))
    assert {int(v) for p in (folder / "imagesTr").iterdir() for v in np.unique(imread(p))} == {50}
    assert {int(v) for p in folder.glob("imagesTs_*/*") for v in np.unique(imread(p))} == {200}


def test_the_label_is_the_shape_in_rows_and_columns(roots):
    options = SyntheticOptions(**SMALL)
    folder = convert(options)
    textures = synthetic.load_textures(options)
    scene = next(s.scene for s in synthetic.all_samples(options, textures) if s.case == "test_000")
    np.testing.assert_array_equal(imread(folder / "labelsTs" / "test_000.png"), shape_mask(scene.shape, options.size))
    rows, columns = np.nonzero(imread(folder / "labelsTs" / "test_000.png"))
    assert rows.mean() == pytest.approx(scene.shape.centre_px[0], abs=6)
    assert columns.mean() == pytest.approx(scene.shape.centre_px[1], abs=6)


def test_same_seed_same_bytes_in_another_process_as_a_script(roots, tmp_path):
    """``python dataset_conversion/synthetic.py`` elsewhere writes the same files; another seed other ones."""
    textures = ("procedural:0.7", "gravel")
    here = contents(convert(SyntheticOptions(**SMALL, textures=textures, seed=3)))
    elsewhere = tmp_path / "elsewhere"
    environment = {
        **os.environ,
        "nnUNet_raw": str(elsewhere / "raw"),
        "nnUNet_preprocessed": str(elsewhere / "preprocessed"),
        "nnUNet_results": str(elsewhere / "results"),
    }
    done = subprocess.run(
        [sys.executable, script.__file__, *textures, *ARGUMENTS, "-d", "7", "--seed", "3", "--name", "Other"],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert contents(elsewhere / "raw" / "Dataset007_Other") == here
    other_seed = contents(convert(SyntheticOptions(**SMALL, textures=textures, seed=4, dataset_id=8)))
    assert not set(other_seed.values()) & {v for k, v in here.items() if "images" in k}


def test_a_script_ends_in_one_line_and_exit_code_2(roots, tmp_path):
    done = subprocess.run(
        [sys.executable, script.__file__, "--alphas", "1.5"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr == (
        "skipstudy: alpha (of the alphas) 1.5 is out of range; give a proportion from 0 (unlike) to 1 (alike)\n"
    )


def test_more_images_leave_the_others_as_they_were(roots):
    few = contents(convert(SyntheticOptions(**SMALL)))
    more = contents(convert(SyntheticOptions(**{**SMALL, "train": 4, "test": 3, "dataset_id": 502})))
    assert few["imagesTr/alpha010_000_0000.png"] == more["imagesTr/alpha010_000_0000.png"]
    assert few["imagesTr/alpha010_003_0000.png"] == more["imagesTr/alpha010_004_0000.png"]  # first validation case
    assert few["imagesTs_alpha0.90/test_001_0000.png"] == more["imagesTs_alpha0.90/test_001_0000.png"]


def test_the_same_again_does_nothing_and_says_so(roots, capsys):
    assert skipstudy(capsys=capsys) == (0, [])
    folder = roots / "nnUNet_raw" / "Dataset501_SyntheticTexture"
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    code, lines = skipstudy(capsys=capsys)
    assert code == 0
    assert lines == ["skipstudy: Dataset501_SyntheticTexture is finished, made with the same options; nothing to do"]
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


def test_lost_splits_are_put_back(roots):
    folder = convert(SyntheticOptions(**SMALL))
    splits = roots / "nnUNet_preprocessed" / folder.name / "splits_final.json"
    before = splits.read_bytes()
    splits.unlink()
    splits.parent.rmdir()
    convert(SyntheticOptions(**SMALL))
    assert splits.read_bytes() == before


def test_other_options_need_overwrite_which_drops_what_was_preprocessed(roots, capsys):
    folder = convert(SyntheticOptions(**SMALL))
    before = contents(folder)
    preprocessed = roots / "nnUNet_preprocessed" / folder.name
    (preprocessed / "nnUNetPlans.json").write_text("{}")
    (roots / "nnUNet_results" / folder.name).mkdir(parents=True)
    code, lines = skipstudy("--seed", 1, capsys=capsys)
    assert code == 2
    assert len(lines) == 1
    assert "is there already, made with other options; --overwrite replaces it" in lines[0]
    assert contents(folder) == before
    code, lines = skipstudy("--seed", 1, "--overwrite", capsys=capsys)
    assert code == 0
    assert len(lines) == 1
    assert "holds networks trained on the replaced data set" in lines[0]
    assert contents(folder) != before
    assert [path.name for path in preprocessed.iterdir()] == ["splits_final.json"]
    assert [path.name for path in preprocessed.parent.iterdir()] == [folder.name]


def test_preprocessed_cases_of_a_lost_data_set_are_not_taken_over(roots, capsys):
    preprocessed = roots / "nnUNet_preprocessed" / "Dataset501_SyntheticTexture"
    preprocessed.mkdir(parents=True)
    (preprocessed / "nnUNetPlans.json").write_text("{}")
    code, lines = skipstudy(capsys=capsys)
    assert code == 2
    assert "holds preprocessed cases of a data set that has gone; --overwrite removes them" in lines[0]
    assert skipstudy("--overwrite", capsys=capsys) == (0, [])


@pytest.mark.parametrize("root", ["nnUNet_raw", "nnUNet_preprocessed", "nnUNet_results"])
def test_an_identifier_of_another_data_set_is_refused(roots, capsys, root):
    (roots / root / "Dataset501_Mine").mkdir(parents=True)
    code, lines = skipstudy(capsys=capsys)
    assert code == 2
    assert len(lines) == 1
    assert f"identifier 501 is taken by {roots / root / 'Dataset501_Mine'}; give another one (-d)" in lines[0]
    assert [path.name for path in roots.iterdir()] == [root]


BAD = [
    (["--alphas", "0.1", "1.5"], "alpha (of the alphas) 1.5 is out of range; give a proportion from 0"),
    (["--test-alphas", "-0.1"], "alpha (of the test alphas) -0.1 is out of range"),
    (["--alphas", "0.125"], "alpha 0.125 (of the alphas) is finer than its level's name; give two decimals"),
    (["--alphas", "0.1", "0.10"], "the alphas name one proportion twice; give each once"),
    (["--alphas", "much"], "invalid float value: 'much'; see 'skipstudy convert synthetic --help'"),
    (["missing.png", "brick"], "texture 'missing.png': no texture of that name and no such file; give brick"),
    (["brick"], "got 1 textures (brick); give two"),
    (["brick", "grass", "gravel"], "got 3 textures (brick, grass, gravel); give two"),
    (["--shape", "blob"], "no shape preset 'blob'; choose one of round, smooth, wavy, jagged, spiky"),
    (["--direction", "up"], "blending direction 'up'; choose one of foreground, background"),
    (["--size", "16"], "image size 16; give at least 32 pixels (--size)"),
    (["--size", "300"], "texture 'grass' is 512 x 512 pixels; training and test images are cut from a half each"),
    (["--test", "0"], "0 images for --test; give at least 1"),
    (["--seed", "-1"], "seed -1; give 0 or a positive number (--seed)"),
    (["-d", "1000"], "data set identifier 1000; give a number from 1 to 999 (-d)"),
    (["--name", "../x"], "data set name '../x'; use letters, digits, - and _ (--name)"),
    (["--sise", "64"], "unrecognized arguments: --sise"),
]


@pytest.mark.parametrize(("arguments", "words"), BAD, ids=[words[:25] for _, words in BAD])
def test_bad_input_is_one_line_and_leaves_nothing(roots, capsys, arguments, words):
    code, lines = skipstudy(*arguments, capsys=capsys)
    assert code == 2
    assert len(lines) == 1
    assert lines[0].startswith("skipstudy: ")
    assert words in lines[0]
    assert not roots.exists()


def test_an_unreadable_picture_is_named(roots, capsys, tmp_path):
    damaged = tmp_path / "damaged.png"
    imsave(damaged, np.zeros((90, 90), np.uint8), check_contrast=False)
    damaged.write_bytes(damaged.read_bytes()[:40])
    code, lines = skipstudy(damaged, "brick", capsys=capsys)
    assert code == 2
    assert len(lines) == 1
    assert f"{damaged}: can't be read as an image" in lines[0]
    assert "fetch or make it again" in lines[0]
    assert not roots.exists()


@pytest.mark.parametrize("variable", ["nnUNet_raw", "nnUNet_preprocessed"])
def test_an_unset_variable_is_named_with_its_remedy(roots, capsys, monkeypatch, variable):
    monkeypatch.delenv(variable)
    code, lines = skipstudy(capsys=capsys)
    assert code == 2
    assert lines == [f'skipstudy: {variable} is not set; run: eval "$(skipstudy env --root DIR)"']


def test_a_root_that_can_not_be_written_to_is_named(roots, capsys):
    roots.mkdir()
    (roots / "nnUNet_raw").write_text("a file in the folder's place")
    code, lines = skipstudy(capsys=capsys)
    assert code == 2
    (line,) = lines
    assert line.startswith("skipstudy: nnUNet_raw is '")
    assert "which is a file" in line


@pytest.mark.parametrize("before", [False, True], ids=["nothing before", "a data set before"])
def test_an_interruption_leaves_what_was_there(roots, monkeypatch, before):
    folder = roots / "nnUNet_raw" / "Dataset501_SyntheticTexture"
    if before:
        convert(SyntheticOptions(**SMALL))
    was = contents(roots)

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(synthetic, "alpha_folds", interrupt)
    with pytest.raises(KeyboardInterrupt):
        convert(SyntheticOptions(**SMALL, seed=1), overwrite=True)
    assert contents(roots) == was
    assert folder.exists() == before
    assert {path.name for path in roots.glob("*/*")} == ({folder.name} if before else set())


def test_nnunet_accepts_the_data_set(roots):
    """nnU-Net's own check, in a fresh process that reads the environment."""
    folder = convert(SyntheticOptions(**SMALL))
    check = (
        "import sys\n"
        "from nnunetv2.experiment_planning.verify_dataset_integrity import verify_dataset_integrity\n"
        "if __name__ == '__main__':\n"
        "    verify_dataset_integrity(sys.argv[1], num_processes=1)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", check, str(folder)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    assert "Error" not in done.stdout


def test_options_from_python_are_checked_too():
    with pytest.raises(UserError, match="no alphas; give at least one"):
        SyntheticOptions(alphas=())
