"""The repository installs as one package, and the wheel holds all of it."""

import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

from nnunet_skipstudy.nnunet.environment import trainer_folder
from nnunet_skipstudy.registry import ARCHITECTURES

ROOT = Path(__file__).parents[1]
MAPPED = ("analysis", "dataset_conversion", "trainers")


def tracked_files() -> list[Path]:
    """What a clean clone holds."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [Path(name) for name in listed.split("\0") if name and (ROOT / name).is_file()]


@pytest.fixture(scope="module")
def installed_wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment with nothing but the wheel; the dependencies are borrowed from this one."""
    clone, wheels = tmp_path_factory.mktemp("clone"), tmp_path_factory.mktemp("wheels")
    for path in tracked_files():
        (clone / path.parent).mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / path, clone / path)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    subprocess.run([*pip, "wheel", "--no-deps", "--no-build-isolation", "--no-index", "-w", wheels, clone], check=True)
    (wheel,) = wheels.glob("*.whl")
    home = tmp_path_factory.mktemp("environment")
    venv.create(home, with_pip=False)
    python = home / "bin" / "python"
    (packages,) = home.glob("lib/python*/site-packages")
    subprocess.run([*pip, "--python", python, "install", "--no-deps", "--no-index", wheel], check=True)
    (packages / "dependencies.pth").write_text(sysconfig.get_paths()["purelib"])
    return python


def test_the_wheel_holds_every_module(installed_wheel: Path) -> None:
    modules = {
        path for path in tracked_files() if path.suffix == ".py" and path.parts[0] in ("nnunet_skipstudy", *MAPPED)
    }
    (package,) = installed_wheel.parents[1].glob("lib/python*/site-packages/nnunet_skipstudy")
    for module in modules:
        inside = module.relative_to("nnunet_skipstudy") if module.parts[0] == "nnunet_skipstudy" else module
        assert (package / inside).is_file(), f"{module}: list its folder under [tool.setuptools] packages"
    assert (package / "py.typed").is_file()
    assert (package / "analysis" / "report" / "templates" / "report.html").is_file()
    for data in ("Snakefile", "templates/demo.yaml", "templates/full.yaml"):
        assert (package / "study" / data).is_file()
    beside = {path.name for path in package.parent.iterdir() if not path.name.endswith((".dist-info", ".pth"))}
    assert beside == {"nnunet_skipstudy"}  # nothing called "trainers" or "analysis" in anybody's site-packages


def test_the_wheel_works_outside_the_repository(installed_wheel: Path, tmp_path: Path) -> None:
    script = installed_wheel.with_name("skipstudy")
    for arguments in (["--version"], ["--help"], ["convert", "synthetic", "--help"], ["analyze", "--help"]):
        subprocess.run([script, *arguments], cwd=tmp_path, check=True, capture_output=True)
    lookup = (
        "import os, subprocess, sys\n"
        f"lines = subprocess.run([{str(script)!r}, 'env'], capture_output=True, text=True, check=True).stdout\n"
        "variables = dict(line.removeprefix('export ').split('=', 1) for line in lines.splitlines())\n"
        "os.environ.update(variables)\n"
        "assert variables['nnUNet_extTrainer'].startswith(sys.prefix), variables\n"
        "from nnunetv2.utilities.find_objects import recursive_find_trainer_class_by_name as find\n"
        f"for name in {[a.trainer + '_3epochs' for a in ARCHITECTURES.values()]}:\n"
        "    assert find(name).__name__ == name\n"
        "import nnunet_skipstudy.training.trainer as ours\n"
        "assert ours.__file__.startswith(sys.prefix), ours.__file__\n"
    )
    subprocess.run([installed_wheel, "-W", "ignore", "-c", lookup], cwd=tmp_path, check=True, capture_output=True)


def test_these_tests_run_against_the_installed_package() -> None:
    assert ROOT not in trainer_folder().parents or (ROOT / ".venv") in trainer_folder().parents or _is_editable()


def _is_editable() -> bool:
    """A developer's editable install maps to the repository on purpose."""
    return trainer_folder() == ROOT / "trainers"
