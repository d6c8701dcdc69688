"""Working folders: removed in the end, left alone while their process lives, removed once it is dead."""

import subprocess
import sys

import pytest

from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.support.working_folder import PREFIX, remove_leftovers, working_folder


def test_a_folder_is_there_within_the_block_only(tmp_path):
    with working_folder(tmp_path / "root") as folder:
        (folder / "file").write_text("content")
        assert folder.parent == tmp_path / "root"
    assert list((tmp_path / "root").iterdir()) == []
    with pytest.raises(ZeroDivisionError), working_folder(tmp_path) as folder:
        raise ZeroDivisionError
    assert not folder.exists()


def test_a_living_runs_folder_stays(tmp_path):
    with working_folder(tmp_path) as folder:
        (folder / "file").write_text("content")
        remove_leftovers(tmp_path)
        assert (folder / "file").exists()


def test_a_dead_runs_folder_goes(tmp_path):
    script = (
        "import os, sys; from pathlib import Path\n"
        "from nnunet_skipstudy.support.working_folder import working_folder\n"
        "with working_folder(Path(sys.argv[1])) as folder:\n"
        "    (folder / 'file').write_text('content')\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    assert subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=False).returncode == -9
    (left,) = tmp_path.iterdir()
    assert (left / "file").exists()
    remove_leftovers(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_other_things_stay(tmp_path):
    (tmp_path / "Dataset501_Mine").mkdir()
    (tmp_path / f"{PREFIX}file").write_text("a file")
    remove_leftovers(tmp_path)
    remove_leftovers(tmp_path / "nowhere")
    assert len(list(tmp_path.iterdir())) == 2


def test_a_root_that_is_a_file(tmp_path):
    (tmp_path / "root").write_text("a file")
    with pytest.raises(UserError, match="can't be written to"), working_folder(tmp_path / "root"):
        pass
