"""``skipstudy perturb`` again: after it was killed, with other settings, on other images, twice at once."""

import contextlib
import errno
import os
import subprocess
import sys

import numpy as np
import pytest
from foreign import everything, write_foreign
from perturbing import perturb, read

from nnunet_skipstudy.nnunet.images import read_image, write_image
from nnunet_skipstudy.texture.perturbation import case_seed, replay


def test_again_does_nothing_and_says_so(folder, capsys):
    assert perturb("-d", "701") == 0
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    capsys.readouterr()
    assert perturb("-d", "701") == 0
    assert (
        "hardest, harder, easier, easiest are finished, with the same settings; nothing to do"
        in capsys.readouterr().err
    )
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


def test_other_settings_are_refused_until_overwrite(folder, capsys):
    own = ("-d", "701", "--level", "harder:speckle:variance=0.1", "--level", "mine.2:blur_background:sigma_px=1.5")
    assert perturb(*own) == 0
    before = everything(folder)
    assert perturb("-d", "701", "--seed", "1", "--level", "harder:speckle:variance=0.1") == 2
    shown = capsys.readouterr().err
    assert "imagesTs_harder: is there already, made with other settings or of other cases; --overwrite" in shown
    assert everything(folder) == before
    assert perturb("-d", "701", "--seed", "1", "--level", "harder:speckle:variance=0.1", "--overwrite") == 0
    rows = read(folder / "perturbations.csv")
    assert [row["level"] for row in rows] == ["harder"] * 4 + ["mine.2"] * 4
    assert int(rows[0]["seed"]) == case_seed(1, "harder", "case0")
    after = everything(folder)
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"perturbations.csv", *(f"imagesTs_harder/case{n}_0000.png" for n in range(4))}


KILL = """
import os, sys
from pathlib import Path
from nnunet_skipstudy import cli
from nnunet_skipstudy.levels import perturb
calls, last = 0, int(sys.argv[2])
def dying(function):
    def called(*arguments, **options):
        global calls
        calls += 1
        if calls == last:
            os._exit(9)  # as SIGKILL: nothing is cleaned up
        return function(*arguments, **options)
    return called
perturb.write_image = dying(perturb.write_image)
perturb.write_csv = dying(perturb.write_csv)
Path.rename = dying(Path.rename)
sys.exit(cli.main(["perturb", "-d", sys.argv[1], "-np", "1", "--level", "a:speckle:variance=0.1",
                   "--level", "b:blur_background:sigma_px=2", *sys.argv[3:]]))
"""


@pytest.mark.parametrize("calls", [1, 4, 7, 8, 9, 10])
def test_killed_at_any_point_the_next_run_ends_in_the_same_bytes(raw, calls):
    """Three cases at two levels: six images, then a table and a renaming a level."""
    undisturbed, killed = (write_foreign(raw, f"Dataset70{n}_Foreign", n_train=0, n_test=3) for n in (1, 2))
    levels = ("--level", "a:speckle:variance=0.1", "--level", "b:blur_background:sigma_px=2")
    assert perturb("-d", "701", *levels) == 0
    done = subprocess.run([sys.executable, "-c", KILL, "702", str(calls)], capture_output=True, env=os.environ.copy())
    assert done.returncode == 9, done.stderr
    assert (killed / ".perturbing").exists()
    assert (killed / "imagesTs_a").exists() == (calls > 8)
    assert perturb("-d", "702", *levels) == 0
    assert everything(killed) == everything(undisturbed)


@pytest.mark.parametrize("calls", [7, 8, 9, 10])
def test_killed_while_replacing_a_level_the_next_run_ends_in_the_same_bytes(raw, calls):
    """Three images each, then a level's table, the old folder's renaming, the new one's."""
    undisturbed, killed = (write_foreign(raw, f"Dataset70{n}_Foreign", n_train=0, n_test=3) for n in (1, 2))
    levels = ("--level", "a:speckle:variance=0.1", "--level", "b:blur_background:sigma_px=2")
    assert perturb("-d", "702", *levels, "--seed", "1") == 0
    command = [sys.executable, "-c", KILL, "702", str(calls), "--overwrite"]
    assert subprocess.run(command, capture_output=True, env=os.environ.copy()).returncode == 9
    for dataset in ("701", "702"):
        assert perturb("-d", dataset, *levels, "--overwrite") == 0
    assert everything(killed) == everything(undisturbed)


class Killed(BaseException):
    """What a test kills with: nothing is renamed from then on."""


def killed_at(monkeypatch, last, *arguments):
    """Run the command until its n-th rename of a file or folder, if it has so many; gives their number."""
    done = 0

    def dying(function):
        def called(*paths, **options):
            nonlocal done
            done += 1
            if done >= last:
                raise Killed
            return function(*paths, **options)

        return called

    with monkeypatch.context() as patches:
        for name in ("rename", "replace"):
            patches.setattr(os, name, dying(getattr(os, name)))
        with contextlib.suppress(Killed):
            perturb(*arguments)
    return done


def check_replayable(folder):
    """Where images of a level are, the table's rows of that level are about them."""
    for row in read(folder / "perturbations.csv"):
        path = folder / f"imagesTs_{row['level']}" / f"{row['case']}_0000.png"
        if path.exists():
            image, labels = (
                read_image(folder / place / name).array
                for place, name in (("imagesTs", path.name), ("labelsTs", f"{row['case']}.png"))
            )
            np.testing.assert_array_equal(read_image(path).array, replay(image, labels, row))


def test_killed_anywhere_while_replacing_the_table_never_speaks_of_other_images(raw, monkeypatch):
    """Nor does the next run say "finished" of a level that isn't, with or without --overwrite."""
    undisturbed, killed = (write_foreign(raw, f"Dataset70{n}_Foreign", n_train=0, n_test=1) for n in (1, 2))
    level = ("--level", "a:speckle:variance=0.1")
    assert perturb("-d", "701", *level) == 0
    renames = killed_at(monkeypatch, 1000, "-d", "702", *level, "--overwrite")
    assert renames >= 7
    for last in range(1, renames + 1):
        for options in ((), ("--overwrite",)):
            assert perturb("-d", "702", *level, "--seed", "1", "--overwrite") == 0
            killed_at(monkeypatch, last, "-d", "702", *level, "--overwrite")
            check_replayable(killed)
            code = perturb("-d", "702", *level, *options)
            check_replayable(killed)
            assert code == 0 or (code, options) == (2, ())  # the former level is there still, and refused
            if code == 0:
                assert everything(killed) == everything(undisturbed)


def test_what_a_full_disk_left_is_made_again(folder, capsys, monkeypatch):
    """The table doesn't fit: one line, and levels that were there stay; then an image that was cut short is left."""
    own = ("-d", "701", "--level", "a:speckle:variance=0.1")
    assert perturb(*own, "--seed", "1") == 0
    before = everything(folder)

    def full(*arguments):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patches:
        patches.setattr("csv.DictWriter.writerows", full)
        capsys.readouterr()
        assert perturb(*own, "--overwrite") == 2
    table = folder / ".perturbing" / "perturbations.csv"
    assert capsys.readouterr().err == (
        f"skipstudy: {table}: No space left on device; make space or give a place that can be used\n"
    )
    assert before.items() <= everything(folder).items()
    left = folder / ".perturbing" / "levels" / "a" / "images" / "case1_0000.png"
    left.write_bytes(left.read_bytes()[:200])
    assert perturb(*own, "--overwrite") == 0
    check_replayable(folder)
    assert set(everything(folder)) == set(before)


@pytest.mark.parametrize("changed", ["imagesTs/case1_0001.nii.gz", "labelsTs/case1.nii.gz"])
def test_levels_of_images_that_have_changed_since_are_not_finished(raw, capsys, changed):
    """Content counts, of all channels and the label maps; times don't, since copies have others."""
    folder = write_foreign(raw, "Dataset702_CT", ending=".nii.gz", n_train=0, n_test=2, n_channels=2)
    own = ("-d", "702", "--level", "a:speckle:variance=0.1")
    assert perturb(*own) == 0
    for path in folder.rglob("*.nii.gz"):
        os.utime(path, (1, 1))
    capsys.readouterr()
    assert perturb(*own) == 0
    assert "a are finished, with the same settings; nothing to do" in capsys.readouterr().err
    image = read_image(folder / changed)
    write_image(folder / changed, image.array[:, ::-1], image.geometry)
    assert perturb(*own) == 2
    words = "imagesTs_a: is there already, made with other settings or of other cases; --overwrite replaces it"
    assert words in capsys.readouterr().err
    assert perturb(*own, "--level", "b:speckle:variance=0.1") == 2
    assert perturb(*own, "--overwrite") == 0
    assert perturb(*own) == 0


def test_levels_of_a_version_that_kept_no_record_count_as_before(folder, capsys):
    assert perturb("-d", "701") == 0
    (folder / "perturbations.json").unlink()
    capsys.readouterr()
    assert perturb("-d", "701") == 0
    assert "are finished, with the same settings; nothing to do" in capsys.readouterr().err


def test_what_a_killed_run_left_is_not_used_with_other_settings(raw):
    folder, other = (write_foreign(raw, f"Dataset70{n}_Foreign", n_train=0, n_test=2) for n in (1, 2))
    subprocess.run([sys.executable, "-c", KILL, "701", "3"], capture_output=True, env=os.environ.copy())
    for dataset in ("701", "702"):
        assert perturb("-d", dataset, "--seed", "1", "--level", "a:speckle:variance=0.1") == 0
    assert everything(folder) == everything(other)


def test_two_runs_at_once_are_refused(folder, capsys):
    import fcntl

    (folder / ".perturbing").mkdir()
    with (folder / ".perturbing" / "in-use").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert perturb("-d", "701") == 2
    assert "another run perturbs here; wait until it has ended" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["perturbations.csv", "perturbations.json", "in-use", "former", "images", "levels"])
def test_a_level_may_be_called_as_a_file_of_ours(raw, name):
    folder = write_foreign(raw, "Dataset701_Foreign", n_train=0, n_test=1)
    for seed in (0, 1):
        assert perturb("-d", "701", "--level", f"{name}:speckle:variance=0.1", "--seed", seed, "--overwrite") == 0
    check_replayable(folder)
    assert not (folder / ".perturbing").exists()
