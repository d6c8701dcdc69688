"""A data set takes its place whole or not at all, for one run at a time, and is finished only while it is whole."""

import errno
import os
import shutil
from functools import partial
from pathlib import Path

import pytest
from conversions import Study, contents
from made_up_downloads import busi

from nnunet_skipstudy import cli
from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.nnunet.publishing import Target, publishing, target_dataset, write_dataset_json

SYNTHETIC = ("synthetic", "--size", 64, "--train", 5, "--val", 1, "--test", 1, "--alphas", "0.1")
PROVENANCE = {"converter": "test", "seed": 0}


def write(study: Study, text: str, *, overwrite: bool = True) -> Path:
    """Publish a data set of one file, and a preprocessed one."""
    target = target_dataset(7, "Mine")
    with publishing(target, PROVENANCE, overwrite=overwrite) as draft:
        for folder in (draft.raw, draft.preprocessed):
            (folder / "file").write_text(text)
    return target.raw


def failing_at(monkeypatch, number: int, error: BaseException) -> list[tuple[object, ...]]:
    """Let the n-th rename of a folder fail; gives the list of those that are asked for."""
    asked: list[tuple[object, ...]] = []
    rename = os.rename

    def failing(*paths):
        asked.append(paths)
        if len(asked) == number:
            raise error
        rename(*paths)

    monkeypatch.setattr(os, "rename", failing)
    return asked


@pytest.mark.parametrize("number", [1, 2, 3, 4])
@pytest.mark.parametrize("error", [OSError(errno.EBUSY, "Device or resource busy"), KeyboardInterrupt()], ids=repr)
def test_where_a_rename_fails_the_former_data_set_stays(study: Study, monkeypatch, number, error):
    """Of the four renames, two of the former folders and two of the new ones, any may fail."""
    write(study, "former")
    before = contents(study.root)
    with monkeypatch.context() as patches:
        failing_at(patches, number, error)
        with pytest.raises(UserError if isinstance(error, OSError) else KeyboardInterrupt) as raised:
            write(study, "new")
    assert contents(study.root) == before
    if isinstance(error, OSError):
        assert "can't be moved there (Device or resource busy); what was there stays" in str(raised.value)
    write(study, "new")
    assert set(contents(study.root)) == set(before)
    assert contents(study.root) != before


def test_a_second_run_for_an_identifier_is_refused_while_the_first_one_writes(study: Study):
    first = target_dataset(7, "Mine")
    with publishing(first, PROVENANCE) as draft:
        (draft.raw / "file").touch()
        for name in ("Mine", "Other"):
            with (
                pytest.raises(UserError, match="another run is making data set 7 here; wait until it has ended"),
                publishing(target_dataset(7, name), PROVENANCE),
            ):
                pass
        with publishing(target_dataset(8, "Mine"), PROVENANCE):
            pass
    assert sorted(path.name for path in (study.root / "nnUNet_raw").iterdir()) == ["Dataset007_Mine", "Dataset008_Mine"]


def test_a_dead_runs_lock_holds_nobody_up(study: Study):
    (study.root / "nnUNet_raw").mkdir(parents=True)
    for identifier in (7, 8):
        (study.root / "nnUNet_raw" / f".writing-00{identifier}.lock").touch()
    write(study, "new")
    assert [path.name for path in (study.root / "nnUNet_raw").iterdir()] == ["Dataset007_Mine"]


def write_while(appear, target: Target) -> None:
    """Publish a data set while something else appears."""
    with publishing(target, PROVENANCE) as draft:
        (draft.raw / "file").write_text("slower")
        appear()


def test_what_has_appeared_meanwhile_is_not_replaced(study: Study, capsys):
    """Where locks don't reach: another machine's data set of the identifier, or of the name, was quicker."""
    target = target_dataset(7, "Mine")
    labels, other = {"background": 0, "a": 1}, {**PROVENANCE, "seed": 1}

    def appear(folder: Path, provenance) -> None:
        folder.mkdir(parents=True)
        (folder / "file").write_text("quicker")
        write_dataset_json(
            folder, channel_names=["a"], labels=labels, n_training=0, ending=".png", provenance=provenance
        )
        (folder / "splits_final.json").write_text("[]")

    for place, provenance, words in (
        (target.raw_root / "Dataset007_Other", PROVENANCE, "identifier 7 is taken by"),
        (target.raw, other, "is there already, made with other options"),
    ):
        with pytest.raises(UserError, match=words):
            write_while(partial(appear, place, provenance), target)
        assert (place / "file").read_text() == "quicker"
        shutil.rmtree(place)
    write_while(partial(appear, target.raw, PROVENANCE), target)
    assert (target.raw / "file").read_text() == "quicker"
    assert "Dataset007_Mine is finished" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("gone", "words"),
    [
        (
            "imagesTs_hardest",
            "'skipstudy perturb -d 502 --level hardest:speckle_256:variance=0.3 --seed 3 --overwrite'",
        ),
        ("imagesTr/benign_001_0000.png", "imagesT*/benign_001_0000.png has gone since the data set was made; --over"),
        ("labelsTs", "has gone since the data set was made; --overwrite makes it again"),
    ],
)
def test_a_data_set_that_has_lost_files_is_not_finished(study: Study, tmp_path, capsys, gone, words):
    """And what the message advises mends it, to the same bytes."""
    download = busi(tmp_path / "download")
    folder = study.convert("busi", download, "--seed", 3)
    before = contents(folder)
    if "*/benign" in words and not (folder / gone).exists():
        gone = gone.replace("Tr", "Ts")
    lost = folder / gone
    shutil.rmtree(lost) if lost.is_dir() else lost.unlink()
    capsys.readouterr()
    assert cli.main(["convert", "busi", str(download), "--seed", "3"]) == 2
    shown = capsys.readouterr().err
    assert words in shown
    assert shown.count("\n") == 1
    if "perturb" in words:
        assert cli.main(shown.split("'")[1].split()[1:]) == 0
    else:
        study.convert("busi", download, "--seed", 3, "--overwrite")
    assert contents(folder) == before
    study.convert("busi", download, "--seed", 3)


def test_synthetic_data_that_have_lost_a_level_are_not_finished(study: Study, capsys):
    folder = study.convert(*SYNTHETIC)
    study.convert(*SYNTHETIC)
    shutil.rmtree(folder / "imagesTs_alpha0.10")
    assert cli.main(["convert", *map(str, SYNTHETIC)]) == 2
    assert "images" in capsys.readouterr().err.splitlines()[-1]
