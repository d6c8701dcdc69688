"""``skipstudy disparity`` on data sets of other people's."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from foreign import scene, volume, write_foreign

from nnunet_skipstudy import cli
from nnunet_skipstudy.nnunet.images import Geometry, read_image, write_image
from nnunet_skipstudy.texture import texture_disparity
from nnunet_skipstudy.texture.case_disparity import case_disparity
from nnunet_skipstudy.texture.null import null_draws
from nnunet_skipstudy.texture.perturbation import replay

COLUMNS = [
    *("case", "set", "level", "label", "definition", "background", "disparity", "category", "reason"),
    *("disparity_null", "disparity_excess", "disparity_percentile", "size_px", "sorted_by"),
]


def read(path):
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture
def raw(tmp_path, monkeypatch):
    monkeypatch.setenv("nnUNet_raw", str(tmp_path / "raw"))
    return tmp_path / "raw"


def disparity(*arguments):
    return cli.main(["disparity", *map(str, arguments), "-np", "2"])


def cell(rows, **wanted):
    found = [row for row in rows if all(row[name] == value for name, value in wanted.items())]
    assert len(found) == 1
    return found[0]


def test_a_foreign_data_set_with_two_labels(raw, capsys):
    folder = write_foreign(raw, "Dataset701_Foreign")
    write_image(folder / "imagesTs_harder" / "case0_0000.png", scene(50)[0][::-1])
    for number in range(1, 4):
        write_image(folder / "imagesTs_harder" / f"case{number}_0000.png", scene(0)[0])
    assert disparity("-d", "701") == 0
    rows = read(folder / "disparity.csv")
    assert list(rows[0]) == COLUMNS
    assert len(rows) == (3 + 4 + 4) * 3
    image, labels = scene(51)
    expected = case_disparity(image, labels, labels={"rim": 1, "core": 2})
    for label, value in {"union": expected.union, **expected.labels}.items():
        row = cell(rows, case="case1", set="test", level="unperturbed", label=label)
        assert float(row["disparity"]) == pytest.approx(value.value, abs=1e-9)
        assert row["category"] in ("hardest", "harder", "medium", "easier", "easiest")
        assert row["reason"] == ""
    of_seven = [row["category"] for row in rows if row["label"] == "union" and row["level"] == "unperturbed"]
    assert sorted(of_seven).count("hardest") == 2  # of seven unperturbed cases, two lie in each outer quintile
    perturbed = cell(rows, case="case0", level="harder", label="union")
    assert float(perturbed["disparity"]) == pytest.approx(
        texture_disparity(image=scene(50)[0][::-1], mask=scene(50)[1]), abs=1e-9
    )
    names = {path.name for path in (folder / "disparity").iterdir()}
    stems = ("disparity_train", "disparity_test_harder", "disparity_test_unperturbed")
    assert names == {f"{stem}{ending}" for stem in stems for ending in (".png", ".svg")}
    shown = capsys.readouterr()
    assert "harder" in shown.out
    assert shown.err == ""


def test_again_gives_the_same_bytes(raw):
    folder = write_foreign(raw, "Dataset701_Foreign", n_train=2, n_test=2)
    assert disparity("-d", "Dataset701_Foreign") == 0
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert disparity("-d", "701") == 0
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_volumes_ring_definition_and_channel(raw, tmp_path):
    write_foreign(raw, "Dataset702_CT", ending=".nii.gz", n_train=1, n_test=1, n_channels=2)
    table = tmp_path / "out" / "ct.csv"
    options = ("--background", "ring", "--definition", "jensen_shannon")
    assert disparity("-d", 702, "-o", table, "--channel", 1, *options) == 0
    row = cell(read(table), set="train", label="union")
    image, labels = volume(0)
    expected = case_disparity(image[..., ::-1], labels, definition="jensen_shannon", background="ring").union.value
    assert float(row["disparity"]) == pytest.approx(expected, abs=1e-9)
    assert (row["definition"], row["background"]) == ("jensen_shannon", "ring")
    assert (tmp_path / "out" / "ct" / "disparity_test_unperturbed.svg").is_file()


def test_folders_of_images_and_masks_as_people_have_them(tmp_path):
    """RGB beside grey masks of 0 and 255, no channel numbers; an empty mask has no disparity but a reason."""
    image, labels = scene(1)
    write_image(tmp_path / "images" / "a b (1).png", np.dstack([image, image, image]))
    write_image(tmp_path / "masks" / "a b (1).png", ((labels > 0) * 255).astype(np.uint8))
    write_image(tmp_path / "images" / "c.png", image)
    write_image(tmp_path / "masks" / "c.png", labels * 0)
    (tmp_path / "images" / "._c.png").write_bytes(b"macOS was here")
    (tmp_path / "images" / "notes.txt").write_text("", encoding="utf-8")
    assert disparity("-i", tmp_path / "images", "--masks", tmp_path / "masks", "-o", tmp_path / "td.csv") == 0
    first, second = read(tmp_path / "td.csv")
    colour = np.dstack([image, image, image])
    assert float(first["disparity"]) == pytest.approx(texture_disparity(colour, labels), abs=1e-9)
    assert (first["set"], first["level"], first["label"]) == ("", "unperturbed", "union")
    assert (second["disparity"], second["category"], second["reason"]) == ("", "", "the mask is empty")
    assert {path.name for path in (tmp_path / "td").iterdir()} == {"disparity.png", "disparity.svg"}


def test_a_test_set_without_labels_is_left_out_with_a_word(raw, capsys):
    folder = write_foreign(raw, "Dataset701_Foreign", n_train=2, n_test=1)
    for path in (folder / "labelsTs").iterdir():
        path.unlink()
    (folder / "labelsTs").rmdir()
    assert disparity("-d", "701") == 0
    assert f"{folder / 'imagesTs'}: left out, since there is no {folder / 'labelsTs'}" in capsys.readouterr().err
    assert {row["set"] for row in read(folder / "disparity.csv")} == {"train"}


def test_cases_that_dataset_json_lists_elsewhere(raw):
    folder = write_foreign(raw, "Dataset701_Foreign", n_train=1, n_test=0)
    (folder / "imagesTr").rename(folder / "elsewhere")
    path = folder / "dataset.json"
    members = {"mine": {"images": ["elsewhere/case0_0000.png"], "label": "labelsTr/case0.png"}}
    path.write_text(json.dumps({**json.loads(path.read_text()), "dataset": members}), encoding="utf-8")
    assert disparity("-d", "701") == 0
    assert {row["case"] for row in read(folder / "disparity.csv")} == {"mine"}


def test_colour_images_are_one_file_for_three_channels(raw):
    folder = write_foreign(raw, "Dataset704_Colour", n_train=1, n_test=0)
    path = folder / "dataset.json"
    channels = {"channel_names": {"0": "R", "1": "G", "2": "B"}}
    path.write_text(json.dumps({**json.loads(path.read_text()), **channels}), encoding="utf-8")
    image, labels = scene(0)
    colour = np.dstack([image, image[::-1], image])
    write_image(folder / "imagesTr" / "case0_0000.png", colour)
    assert disparity("-d", "704") == 0
    row = cell(read(folder / "disparity.csv"), label="union")
    assert float(row["disparity"]) == pytest.approx(texture_disparity(colour, labels), abs=1e-9)


def test_help_imports_nothing_heavy():
    for command in ("disparity", "perturb"):
        script = (
            "import sys\n"
            "from nnunet_skipstudy import cli\n"
            "try:\n"
            f"    cli.main(['{command}', '--help'])\n"
            "except SystemExit:\n"
            "    pass\n"
            "print(sorted({'numba', 'skimage', 'scipy', 'torch', 'pandas'} & set(sys.modules)), file=sys.stderr)\n"
        )
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
        assert done.stderr == "[]\n"
        assert "examples:" in done.stdout


def remove_label(folder):
    (folder / "labelsTr" / "case1.png").unlink()


def remove_channel(folder):
    (folder / "imagesTs" / "case1_0000.png").rename(folder / "imagesTs" / "case1_0001.png")


def classic_mask(folder):
    write_image(folder / "labelsTr" / "case1.png", ((scene(1)[1] > 0) * 255).astype(np.uint8))


def other_shape(folder):
    write_image(folder / "labelsTr" / "case1.png", scene(1)[1][:-3])


def truncated(folder):
    path = folder / "imagesTr" / "case1_0000.png"
    path.write_bytes(path.read_bytes()[:300])


def damaged_json(folder):
    (folder / "dataset.json").write_text("{", encoding="utf-8")


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (remove_label, "case1_0000.png: has no label map case1.png in"),
        (remove_channel, "case 'case1' has channels 1; number them from 0 on"),
        (classic_mask, "case1.png: holds the value 255, which"),
        (other_shape, "case1.png: label map of shape (61, 96) for an image of shape (64, 96), "),
        (truncated, "case1_0000.png: can't be read as an image"),
        (damaged_json, "dataset.json: can't be read as JSON"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_written(raw, capsys, damage, words):
    folder = write_foreign(raw, "Dataset701_Foreign", n_train=2, n_test=2)
    damage(folder)
    assert disparity("-d", "701") == 2
    shown = capsys.readouterr().err
    assert words in shown
    assert shown.count("\n") == 1
    assert not (folder / "disparity.csv").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "what to measure is missing; give -d ID, or -i IMAGES --masks MASKS -o CSV"),
        (["-d", "9", "-i", "x"], "-d and -i are two ways to name the images"),
        (["-d", "9"], "no data set 9 (there: none)"),
        (["-d", "9", "-o", "x.txt"], "give a name that ends in .csv"),
        (["-d", "9", "--definition", "kl"], "definition 'kl' of texture disparity"),
        (["-d", "9", "--background", "halo"], "background 'halo' of texture disparity"),
        (["-i", "x", "--masks", "y", "-o", "z.csv"], "no such folder"),
    ],
)
def test_bad_arguments_are_one_line(raw: Path, capsys, arguments, words):
    assert disparity(*arguments) == 2
    shown = capsys.readouterr().err
    assert words in shown
    assert shown.count("\n") == 1


@pytest.mark.parametrize(
    ("output", "words"),
    [
        ("taken/col.csv", "the figures go into a folder {root}/taken/col, which is a file; give another name"),
        ("taken/col/a/b.csv", "{root}/taken/col is a file, no folder; give another place"),
        ("folder.csv", "is a folder; give a file's name"),
    ],
)
def test_a_place_that_is_taken_is_one_line_before_the_work(raw: Path, tmp_path, capsys, monkeypatch, output, words):
    write_foreign(raw, "Dataset701_Foreign", n_train=1, n_test=1)
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "col").touch()
    (tmp_path / "folder.csv").mkdir()
    monkeypatch.setattr("nnunet_skipstudy.levels.disparity.disparity_table", None)  # not called
    assert disparity("-d", "701", "-o", tmp_path / output) == 2
    shown = capsys.readouterr().err
    assert words.format(root=tmp_path) in shown
    assert shown.count("\n") == 1
    assert (tmp_path / "taken" / "col").is_file()


def test_a_file_beside_its_compressed_twin_is_refused(raw, capsys):
    folder = write_foreign(raw, "Dataset702_CT", ending=".nii.gz", n_train=1, n_test=1)
    write_image(folder / "imagesTr" / "case0_0000.nii", volume(9)[0])
    assert disparity("-d", "702") == 2
    assert "case0_0000.nii beside case0_0000.nii.gz, readers mix them up" in capsys.readouterr().err


def test_a_missing_channel_number_is_named(raw, capsys):
    write_foreign(raw, "Dataset701_Foreign", n_train=1, n_test=1)
    assert disparity("-d", "701", "--channel", "3") == 2
    assert "case 'case0' has no channel 3; give one from 0 to 0 (--channel)" in capsys.readouterr().err


def relabelled(folder, labels):
    path = folder / "dataset.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "labels": labels}), encoding="utf-8")


def test_a_label_of_the_name_of_our_own_rows_is_refused(raw, capsys):
    """Where it has rows of its own; the only label has none."""
    folder = write_foreign(raw, "Dataset701_Foreign", n_train=1, n_test=1)
    relabelled(folder, {"background": 0, "rim": 1, "union": 2})
    assert disparity("-d", "701") == 2
    assert "dataset.json: a label is called 'union', as the rows of all labels together are" in capsys.readouterr().err
    relabelled(folder, {"background": 0, "union": [1, 2]})
    assert disparity("-d", "701") == 0
    assert [row["label"] for row in read(folder / "disparity.csv")] == ["union", "union"]


@pytest.mark.parametrize("axis", [1, 2])
def test_volumes_are_cut_across_their_coarsest_axis_and_it_is_said(raw, capsys, axis):
    """The same volumes stored with their slices along another axis have the same disparity, nearly."""
    found = {}
    for place in (0, axis):
        folder = write_foreign(raw / str(place), "Dataset702_CT", ending=".nii.gz", n_train=1, n_test=1)
        for path in folder.rglob("*.nii.gz"):
            stored = read_image(path)
            spacing = list(stored.geometry.spacing)
            spacing.insert(place, spacing.pop(0))
            identity = tuple(np.eye(3).ravel())
            write_image(path, np.moveaxis(stored.array, 0, place), Geometry(tuple(spacing), (0.0,) * 3, identity))
        capsys.readouterr()
        with pytest.MonkeyPatch.context() as patches:
            patches.setenv("nnUNet_raw", str(raw / str(place)))
            assert disparity("-d", "702") == 0
            said = capsys.readouterr().err
            assert (f"planes lie across axis {axis}" in said) == (place == axis)
            assert cli.main(["perturb", "-d", "702", "--level", "harder:speckle:variance=0.2"]) == 0
        found[place] = [float(row["disparity"]) for row in read(folder / "disparity.csv")]
        (row,) = read(folder / "perturbations.csv")
        assert row["parameters"] == "speckle:variance=0.2" + (f",axis={place}" if place else "")
        image, labels = (read_image(folder / part).array for part in TEST_CASE)
        written = read_image(folder / "imagesTs_harder" / "case0_0000.nii.gz").array
        np.testing.assert_array_equal(written, replay(image, labels, row))
        assert float(row["disparity"]) == pytest.approx(case_disparity(written, labels, axis=place).union.value)
    assert found[axis] == pytest.approx(found[0], abs=0.02)


TEST_CASE = ("imagesTs/case0_0000.nii.gz", "labelsTs/case0.nii.gz")


def test_the_null_stands_beside_each_value(raw, capsys):
    """Of the case's own draws, label by label; all levels of a case have the same ones, each seed has others."""
    folder = write_foreign(raw, "Dataset720_Null")
    assert disparity("-d", "720", "--null", 7) == 0
    shown = capsys.readouterr().out.splitlines()
    assert shown[0].split()[-3:] == ["excess", "TD~size", "ex.~size"]
    rows = read(folder / "disparity.csv")
    image, labels = scene(51)
    found = case_disparity(image, labels, labels={"rim": 1, "core": 2}, draws=null_draws("case1", 7))
    for label, expected in {"union": found.union, **found.labels}.items():
        row = cell(rows, case="case1", set="test", level="unperturbed", label=label)
        assert float(row["disparity_null"]) == pytest.approx(expected.null_mean, abs=1e-9)
        assert float(row["disparity_excess"]) == pytest.approx(expected.value - expected.null_mean, abs=1e-9)
        assert float(row["disparity_percentile"]) == pytest.approx(expected.percentile, abs=1e-6)
        assert int(row["size_px"]) == expected.size_px > 0
    assert disparity("-d", "720", "--null", 7, "--seed", 1) == 0
    others = read(folder / "disparity.csv")
    assert [row["disparity"] for row in others] == [row["disparity"] for row in rows]
    assert [row["disparity_null"] for row in others] != [row["disparity_null"] for row in rows]


def test_without_draws_the_null_s_columns_are_empty(raw, capsys):
    folder = write_foreign(raw, "Dataset721_None")
    assert disparity("-d", "721", "--null", 0) == 0
    rows = read(folder / "disparity.csv")
    assert {row[name] for row in rows for name in COLUMNS[-5:-2]} == {""}
    assert {row["sorted_by"] for row in rows} == {"kamath2025"}
    assert "no null was drawn (--null 0): categories go by kamath2025" in capsys.readouterr().err
    assert all(row["disparity"] for row in rows)


@pytest.mark.parametrize("number", ["-1", "1001"])
def test_a_number_of_draws_that_can_not_be_meant_is_refused(raw, capsys, number):
    folder = write_foreign(raw, "Dataset722_Many")
    assert disparity("-d", "722", f"--null={number}") == 2
    assert f"skipstudy: {number} draws of the null; give 0 (none) to 1000 (--null)" in capsys.readouterr().err
    assert not (folder / "disparity.csv").exists()


@pytest.mark.parametrize("options", [("--by", "kamath2025"), ("--by", "jensen_shannon"), ()], ids=" ".join)
def test_categories_go_by_what_was_asked_for(raw, options):
    """The excess unless a definition is named, whose value they go by then, and which is the one measured."""
    folder = write_foreign(raw, "Dataset723_By")
    assert disparity("-d", "723", *options) == 0
    rows = [row for row in read(folder / "disparity.csv") if row["label"] == "union" and row["level"] == "unperturbed"]
    by = options[1] if options else "excess"
    assert {row["sorted_by"] for row in rows} == {by}
    assert {row["definition"] for row in rows} == {by if options else "kamath2025"}
    column = "disparity" if options else "disparity_excess"
    ordered = sorted(rows, key=lambda row: float(row[column]))
    places = ["hardest", "harder", "medium", "easier", "easiest"]
    assert [row["category"] for row in ordered] == sorted((row["category"] for row in rows), key=places.index)
    assert (ordered[0]["category"], ordered[-1]["category"]) == ("hardest", "easiest")


def test_a_value_to_go_by_of_another_definition_is_refused(raw, capsys):
    write_foreign(raw, "Dataset724_Both")
    assert disparity("-d", "724", "--by", "kamath2025", "--definition", "jensen_shannon") == 2
    assert "--by kamath2025 with --definition jensen_shannon; give one of them" in capsys.readouterr().err
