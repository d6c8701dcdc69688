"""``python dataset_conversion/NAME.py -i SOURCE -d ID`` and ``skipstudy convert NAME SOURCE -d ID`` are one."""

import importlib
import subprocess
import sys

import pytest
from conversions import Study, contents
from made_up_downloads import DOWNLOADS
from processes import environment_of


@pytest.mark.parametrize("name", DOWNLOADS)
def test_script_and_command_make_the_same_bytes(study: Study, tmp_path, name):
    download = DOWNLOADS[name](tmp_path / "download")
    by_command = contents(study.convert(name, download, "-d", 7, "--name", "Mine"))
    script = importlib.import_module(f"nnunet_skipstudy.dataset_conversion.{name}").__file__
    elsewhere = tmp_path / "elsewhere"
    folders = {variable: str(elsewhere / variable) for variable in ("nnUNet_raw", "nnUNet_preprocessed")}
    command = [sys.executable, script, "-i", str(download), "-d", "7", "--name", "Mine"]
    done = subprocess.run(
        command, env=environment_of(folders), cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert contents(elsewhere / "nnUNet_raw" / "Dataset007_Mine") == by_command
    again = subprocess.run(
        [*command[:2], "--num-processes", "x"], env=environment_of(folders), capture_output=True, text=True, check=False
    )
    assert again.returncode == 2
    assert again.stderr.startswith("skipstudy: argument -np/--num-processes: invalid int value: 'x'; see 'skipstudy")


@pytest.mark.parametrize("name", DOWNLOADS)
def test_help_imports_nothing_heavy(name):
    script = (
        "import sys\n"
        "from nnunet_skipstudy import cli\n"
        "try:\n"
        f"    cli.main(['convert', '{name}', '--help'])\n"
        "except SystemExit:\n"
        "    pass\n"
        "heavy = {'skimage', 'scipy', 'torch', 'pandas', 'nnunetv2', 'numba', 'SimpleITK'}\n"
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stderr == "[]\n"
    assert "--protocol native|study" in done.stdout
