"""``skipstudy perturb``: levels of data sets of other people's, resumed, calibrated, warned about."""

import json
import re
from statistics import median

import numpy as np
import pytest
from foreign import GEOMETRY, everything, scene, volume, write_foreign
from perturbing import perturb, read

from nnunet_skipstudy.levels.moves import Move, level_moves
from nnunet_skipstudy.levels.perturb import write_levels
from nnunet_skipstudy.nnunet.images import read_image, write_image
from nnunet_skipstudy.texture import texture_disparity
from nnunet_skipstudy.texture.leak import leak_probe
from nnunet_skipstudy.texture.perturbation import NATIVE_LEVELS, case_seed, psnr_db, replay

LEVELS = ["hardest", "harder", "easier", "easiest"]


def test_the_studys_levels_of_a_foreign_data_set(folder, capsys):
    before = everything(folder)
    assert perturb("-d", "701", "-np", "2") == 0
    assert before.items() <= everything(folder).items()
    rows = read(folder / "perturbations.csv")
    assert list(rows[0]) == [
        *("case", "level", "parameters", "seed", "disparity"),
        *("disparity_null", "disparity_excess", "disparity_percentile", "psnr_db", "leak", "leak_unperturbed"),
    ]
    assert [(row["level"], row["case"]) for row in rows] == [(lv, f"case{n}") for lv in LEVELS for n in range(4)]
    for row in rows:
        image, labels = (
            read_image(folder / place / f"{row['case']}{channel}.png").array
            for place, channel in (("imagesTs", "_0000"), ("labelsTs", ""))
        )
        written = read_image(folder / f"imagesTs_{row['level']}" / f"{row['case']}_0000.png").array
        assert row["parameters"] == str(NATIVE_LEVELS[row["level"]])
        assert int(row["seed"]) == case_seed(0, row["level"], row["case"])
        np.testing.assert_array_equal(written, replay(image, labels, row))
        assert float(row["disparity"]) == pytest.approx(texture_disparity(written, labels), abs=1e-9)
        assert float(row["psnr_db"]) == pytest.approx(psnr_db(image, written, labels), abs=0.006)
        assert float(row["leak"]) == pytest.approx(leak_probe(written, labels), abs=6e-5)
        assert float(row["leak_unperturbed"]) == pytest.approx(leak_probe(image, labels), abs=6e-5)
    assert {path.name for path in folder.glob("imagesTs_*")} == {f"imagesTs_{level}" for level in LEVELS}
    shown = capsys.readouterr().out
    assert "TD before" in shown
    assert "blur_background_256:sigma_px=7" in shown


def test_sets_of_levels_go_by_name_and_their_side_effects_are_shown(folder, capsys):
    """The sham has the PSNR of the speckle that it is called after, case by case; blur at the outline is warned of."""
    asked = ("--levels", "controlled", "factorial", "--level", "harder", "--level", "easiest")
    assert perturb("-d", "701", *asked, "--level", "sham_harder:sham_speckle_256:variance=0.1") == 0
    shown = capsys.readouterr()
    rows = {(row["level"], row["case"]): row for row in read(folder / "perturbations.csv")}
    assert len({level for level, _ in rows}) == 10
    for number in range(4):
        of, its_sham = (rows[level, f"case{number}"] for level in ("harder", "sham_harder"))
        assert of["seed"] == its_sham["seed"]
        assert float(of["psnr_db"]) == pytest.approx(float(its_sham["psnr_db"]), abs=0.1)
    (line,) = (line for line in shown.out.splitlines() if line.startswith("sham_harder"))
    assert re.search(r"TD stays in [0-4] of 4$", line)
    warned = {line.split("'")[1] for line in shown.err.splitlines() if "shows where the object is" in line}
    assert "easiest" in warned
    assert not warned & {"easier_elsewhere", "easiest_elsewhere", "distortion", "sham_harder"}
    assert perturb("-d", "701", *asked) == 0
    assert "nothing to do" in capsys.readouterr().err


def test_a_table_of_an_earlier_version_is_read_as_it_is(folder, capsys):
    """Without PSNR and leak: its levels are left alone, and shown without these numbers."""
    assert perturb("-d", "701", "--level", "harder") == 0
    table = folder / "perturbations.csv"
    old = [list(row.values())[:5] for row in read(table)]
    table.write_text("\n".join(map(",".join, [["case", "level", "parameters", "seed", "disparity"], *old])) + "\n")
    capsys.readouterr()
    assert perturb("-d", "701", "--level", "harder", "--level", "easiest") == 0
    lines = capsys.readouterr().out.splitlines()
    assert re.search(r"nan +nan +nan", next(line for line in lines if line.startswith("harder")))
    assert [row["psnr_db"] for row in read(table) if row["level"] == "harder"] == [""] * 4


def test_the_number_of_workers_and_the_order_do_not_matter(raw):
    one, two = (write_foreign(raw, f"Dataset70{n}_Foreign", n_train=1, n_test=3) for n in (1, 2))
    rows = write_levels(one, seed=5, workers=1)
    halves = [dict(list(NATIVE_LEVELS.items())[half]) for half in (slice(2, 4), slice(0, 2))]
    others = [row for levels in halves for row in write_levels(two, levels, seed=5, workers=3)]
    assert everything(one) == everything(two)
    assert sorted(map(str, rows)) == sorted(map(str, others))
    assert write_levels(one, seed=5) == rows  # read back from the table


@pytest.mark.parametrize("dataset", ["", "/", "/tmp/Dataset701_Foreign", "Dataset701*", "*", "../raw", "Dataset701_F"])
def test_a_data_set_is_named_exactly(folder, capsys, dataset):
    assert perturb("-d", dataset) == 2
    shown = capsys.readouterr().err
    assert f"no data set {dataset or repr('')} (there: Dataset701_Foreign); give another one (-d)" in shown
    assert shown.count("\n") == 1


def test_volumes_keep_geometry_and_type_and_channels_share_a_seed(raw):
    folder = write_foreign(raw, "Dataset702_CT", ending=".nii.gz", n_train=0, n_test=1, n_channels=2)
    assert perturb("-d", "702") == 0
    image, labels = volume(50)
    for row in read(folder / "perturbations.csv"):
        for channel, pixels in enumerate((image, image[..., ::-1])):
            written = read_image(folder / f"imagesTs_{row['level']}" / f"case0_{channel:04d}.nii.gz")
            assert written.array.dtype == np.int16
            np.testing.assert_array_equal(written.array, replay(pixels, labels, row))
            assert written.geometry == read_image(folder / "imagesTs" / "case0_0000.nii.gz").geometry
            for name in ("spacing", "origin", "direction"):
                assert getattr(written.geometry, name) == pytest.approx(getattr(GEOMETRY, name), abs=1e-6)


def test_folders_of_images_and_masks(tmp_path):
    image, labels = scene(3)
    write_image(tmp_path / "images" / "a b.png", image)
    write_image(tmp_path / "masks" / "a b.png", ((labels > 0) * 255).astype(np.uint8))
    options = ("-i", tmp_path / "images", "--masks", tmp_path / "masks", "-o", tmp_path / "out")
    assert perturb(*options, "--level", "harder:speckle:variance=0.2") == 0
    (row,) = read(tmp_path / "out" / "perturbations.csv")
    written = read_image(tmp_path / "out" / "imagesTs_harder" / "a b.png").array
    np.testing.assert_array_equal(written, replay(image, labels, row))


def test_a_data_set_without_dataset_json_is_none(folder, capsys):
    """nnU-Net can't read it either, and nothing says which values are labels."""
    (folder / "dataset.json").unlink()
    assert perturb("-d", "701") == 2
    assert f"{folder / 'dataset.json'}: no such file" in capsys.readouterr().err
    assert not list(folder.glob("imagesTs_*"))


def test_ignored_pixels_are_background(folder):
    """The label ``ignore`` is no object: it is blurred away."""
    path = folder / "dataset.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    content["labels"] = {"background": 0, "rim": 1, "ignore": 2}
    path.write_text(json.dumps(content), encoding="utf-8")
    assert perturb("-d", "701", "--level", "easier:blur_background:sigma_px=3") == 0
    image, labels = scene(50)
    written = read_image(folder / "imagesTs_easier" / "case0_0000.png").array
    assert (written[labels == 1] == image[labels == 1]).all()
    assert (written[labels == 2] != image[labels == 2]).any()


def test_calibrated_levels_hit_their_targets_and_are_searched_for_once(folder, capsys, monkeypatch):
    unperturbed = [texture_disparity(*scene(50 + number)) for number in range(4)]
    options = ["-d", "701", "--calibrate", "harder:speckle:quantile=0.1"]
    options += ["--calibrate", f"easier:blur_background:median={median(unperturbed) * 1.5}"]
    assert perturb(*options) == 0
    targets = {"harder": np.quantile(unperturbed, 0.1), "easier": median(unperturbed) * 1.5}
    rows = read(folder / "perturbations.csv")
    for level, target in targets.items():
        reached = median(float(row["disparity"]) for row in rows if row["level"] == level)
        assert abs(reached - target) <= 0.011 * abs(target - median(unperturbed))
    record = json.loads((folder / "calibration.json").read_text(encoding="utf-8"))
    assert record["harder"]["perturbation"] == next(row["parameters"] for row in rows if row["level"] == "harder")
    capsys.readouterr()
    monkeypatch.setattr("nnunet_skipstudy.levels.calibrate.calibrate", None)  # not called again
    assert perturb(*options) == 0
    assert "harder, easier are finished, with the same settings; nothing to do" in capsys.readouterr().err
    assert perturb("-d", "701", "--calibrate", "harder:speckle:quantile=0.2") == 2
    assert "imagesTs_harder: is there already, made with other settings" in capsys.readouterr().err


def test_a_target_out_of_reach_is_an_error_and_writes_no_level(folder, capsys):
    assert perturb("-d", "701", "--calibrate", "harder:speckle:median=7") == 2
    shown = capsys.readouterr().err
    assert "level 'harder' (speckle:median=7): the median can't be brought to 7.0000: it is" in shown
    assert shown.count("\n") == 1
    assert not (folder / "perturbations.csv").exists()


def test_a_level_that_is_not_what_its_name_says_is_warned_about(folder, capsys):
    wrong = ("--level", "easier:speckle:variance=0.3", "--level", "other:speckle:variance=0.3")
    assert perturb("-d", "701", *wrong, "--level", "harder:speckle:variance=0.3") == 0
    shown = capsys.readouterr().err
    assert (
        "skipstudy: warning: level 'easier' (speckle:variance=0.3) should move the median texture disparity up" in shown
    )
    assert "but it went down, from 0." in shown
    assert shown.count("warning") == 1


def test_moves_by_hand():
    rows = [
        {"level": "harder", "parameters": "p", "case": case, "disparity": value}
        for case, value in {"a": 0.5, "b": 0.1, "c": None, "d": 9.0}.items()
    ]
    moves = level_moves(rows, {"a": 0.1, "b": 0.3, "c": 0.2, "d": None})
    assert moves == [Move("harder", "p", 2, pytest.approx(0.2), pytest.approx(0.3))]
    assert "went up" in moves[0].warning
    assert Move("easiest", "p", 1, 0.2, 0.3).warning is None
    assert "went nowhere" in Move("easiest", "p", 1, 0.2, 0.2).warning
    assert Move("mine", "p", 1, 0.2, 0.1).warning is None


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "what to perturb is missing; give -d ID, or -i IMAGES --masks MASKS -o DIR"),
        (["-d", "701", "-o", "x"], "-d and -i --masks -o are two ways"),
        (["-d", "701", "--seed", "-1"], "--seed -1; give 0 or a positive number"),
        (["-d", "701", "-np", "0"], "-np 0: no workers"),
        (["-d", "701", "--level", "a:speckle"], "write speckle:variance=NUMBER"),
        (
            ["-d", "701", "--level", "a:speckle:variance=1", "--calibrate", "a:speckle:median=1"],
            "level a is asked for twice",
        ),
        (["-d", "702"], "no data set 702 (there: Dataset701_Foreign)"),
    ],
)
def test_bad_arguments_are_one_line(folder, capsys, arguments, words):
    assert perturb(*arguments) == 2
    shown = capsys.readouterr().err
    assert words in shown
    assert shown.count("\n") == 1


def test_a_test_set_without_labels_is_named(folder, capsys):
    (folder / "labelsTs").rename(folder / "hidden")
    assert perturb("-d", "701") == 2
    assert f"{folder / 'labelsTs'}: no such folder" in capsys.readouterr().err


def test_a_damaged_image_is_named_and_no_level_appears(folder, capsys):
    path = folder / "imagesTs" / "case2_0000.png"
    path.write_bytes(path.read_bytes()[:200])
    assert perturb("-d", "701") == 2
    assert f"{path}: can't be read as an image" in capsys.readouterr().err
    assert not list(folder.glob("imagesTs_*"))


def test_pixels_without_a_number_are_named(raw, capsys):
    folder = write_foreign(raw, "Dataset703_Floats", ending=".tif", n_train=0, n_test=1)
    image = scene(50)[0].astype(np.float32)
    image[3, 3] = np.nan
    write_image(folder / "imagesTs" / "case0_0000.tif", image)
    assert perturb("-d", "703") == 2
    assert "case0_0000.tif: image has pixels that are NaN or infinite; replace them first" in capsys.readouterr().err


@pytest.mark.parametrize("value", [3, 7])
def test_label_values_that_dataset_json_does_not_name_are_refused(folder, capsys, value):
    path = folder / "labelsTs" / "case1.png"
    labels = read_image(path).array
    labels[0, 0] = value
    write_image(path, labels)
    assert perturb("-d", "701") == 2
    assert (
        f"case1.png: holds the value {value}, which {folder / 'dataset.json'} doesn't name" in capsys.readouterr().err
    )
    assert not list(folder.glob("imagesTs_*"))


def test_volumes_in_tiff_keep_slices_and_spacing(raw):
    """Three slices are not three colours; nnU-Net finds the spacing beside the perturbed images as well."""
    folder = write_foreign(raw, "Dataset703_Stack", ending=".tiff", n_train=0, n_test=1)
    assert perturb("-d", "703", "--level", "harder:speckle:variance=0.2") == 0
    image, labels = volume(50)
    (row,) = read(folder / "perturbations.csv")
    written = read_image(folder / "imagesTs_harder" / "case0_0000.tiff")
    np.testing.assert_array_equal(written.array, replay(image, labels, row))
    assert written.geometry.spacing == GEOMETRY.spacing
    assert {path.name for path in (folder / "imagesTs_harder").iterdir()} == {"case0_0000.tiff", "case0.json"}
