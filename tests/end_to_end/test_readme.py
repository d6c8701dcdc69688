"""Command lines of README and of the site's pages, typed from top to bottom into one shell, in an empty folder."""

import re
from pathlib import Path

import made_up_downloads
import pytest
from processes import SMALL_MACHINE, command_line, environment_of, run
from tiny_study import write_study

ROOT = Path(__file__).parents[2]

ELSEWHERE = {
    "make demo": "sets everything up: continuous integration types it",
    "make test": "is this very run",
    "pip install": "has been done: the tests run against the installed package",
}
"""Lines that are not typed here, by how they begin."""

SMALLER = {
    r"convert synthetic -d 501\b": "convert synthetic -d 501 --size 32 --train 4 --val 2 --test 2",
    r"--verify_dataset_integrity": "--verify_dataset_integrity -npfp 1 -np 1",
    r"nnUNetv2_(train 50[12] 2d 0|predict -d 50[12])": r"nnUNetv2_\1 -device cpu",
    r"nnUNetTrainer(NoSkip|UNet)\b": r"nnUNetTrainer\1_1epochs_1iters",
    r"skipstudy init --full -o study\.yaml": "cp tiny.yaml study.yaml",
    r"alpha0\.10 alpha0\.50 alpha0\.90": "alpha0.10 alpha0.90",
    r"perturb -d 777\b": "perturb --overwrite -d 502",
    r"disparity -d 777\b": "disparity -d 502",
}
"""What of a line would take hours or isn't there, and what stands in for it."""

PAGES = {"README": ("README.md", "docs/how-to/data.md"), "site": ("docs/tutorial.md", "docs/how-to/predictions.md")}
"""What is typed into one shell, in this order."""

SCORES = "image,model,shift,Dice,HD95\n" + "".join(
    f"i{image},{model},{shift},0.{7 + image % 3}{network},{4 + image}\n"
    for image in range(8)
    for network, model in enumerate(("UNet", "MyNet"))
    for shift in ("clean", "noise")
)
"""Somebody else's table."""


def typed_lines(text: str) -> str:
    """The code blocks for a shell, without what is typed elsewhere, at a size for a test."""
    blocks = "\n".join(re.findall(r"^```bash\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL))
    script = "\n".join(line for line in blocks.splitlines() if not line.startswith(tuple(ELSEWHERE)))
    for pattern, stands_in in SMALLER.items():
        script = re.sub(pattern, stands_in, script)
    return script


def test_what_stands_in_for_something_stands_in_for_what_is_there() -> None:
    everything = "".join((ROOT / page).read_text(encoding="utf-8") for pages in PAGES.values() for page in pages)
    for pattern in SMALLER:
        assert re.search(pattern, everything), pattern


@pytest.mark.nnunet
@pytest.mark.parametrize("pages", PAGES.values(), ids=PAGES)
def test_the_commands_run_from_top_to_bottom(tmp_path: Path, pages: tuple[str, ...]) -> None:
    """A data set that is trained has been planned, a folder that is read has been written."""
    made_up_downloads.busi(tmp_path)
    write_study(tmp_path).rename(tmp_path / "tiny.yaml")
    (tmp_path / "scores.csv").write_text(SCORES)
    lines = "\n".join(typed_lines((ROOT / page).read_text(encoding="utf-8")) for page in pages)
    (tmp_path / "typed.sh").write_text(f"set -euxo pipefail\n{lines}\n")
    scripts = Path(command_line(["skipstudy"])[0]).parent
    planner_needs_one = {**SMALL_MACHINE, "nnUNet_n_proc_DA": "1"}
    environment = {**planner_needs_one, "PATH": f"{scripts}:{environment_of({})['PATH']}"}
    shell = [
        "python",
        "-c",
        "import subprocess, sys; sys.exit(subprocess.run(['bash', 'typed.sh'], cwd=sys.argv[1]).returncode)",
    ]
    printed = run([*shell, str(tmp_path)], environment, timeout=1200)
    assert "Traceback" not in printed.stderr
    assert (tmp_path / "analysis" / "report.html").is_file()
    assert "analysis/report.html" in printed.stdout
