"""The command line itself: help, errors, exit codes."""

import os
import subprocess
from pathlib import Path

import pytest
from processes import command_line, run

from nnunet_skipstudy.cli import COMMANDS, main

HEAVY = ("torch", "nnunetv2", "pandas", "scipy", "skimage", "matplotlib", "SimpleITK", "numba")


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"]])
def test_help_lists_every_command(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 0
    printed = capsys.readouterr().out
    assert all(f"  {name} " in printed for name in COMMANDS)


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["--version"], ["convert", "synthetic", "--help"], *([name, "--help"] for name in COMMANDS)],
)
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    """So that it answers at once."""
    script = (
        "import sys\nfrom nnunet_skipstudy.cli import main\n"
        "try:\n    main(sys.argv[1:])\nexcept SystemExit as end:\n    assert not end.code\n"
        f"loaded = [name for name in {HEAVY!r} if name in sys.modules]\nassert not loaded, loaded\n"
    )
    run(["python", "-c", script, *arguments], {})


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["analyse"], "no command 'analyse'; choose one of env,"),
        (["env", "--rot", "x"], "unrecognized arguments: --rot x; see 'skipstudy env --help'"),
        (["architectures"], "the following arguments are required: -d; see 'skipstudy architectures --help'"),
        (["demo", "--architectures", "Unet"], "architecture 'Unet': choose from NoSkip"),
        (["demo", "--epochs", "0"], "0 epochs; give at least 1 (--epochs)"),
        (["demo", "--seed", "-1"], "seed -1; give 0 or a positive number (--seed)"),
        (["doctor", "-tr", "nnUNetTrainerUNet_x"], "trainer 'nnUNetTrainerUNet_x': unknown suffix '_x'; known are"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("skipstudy: ")
    assert words in printed.err
    assert printed.err.count("\n") == 1


def test_a_missing_variable_is_named_with_the_remedy(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["architectures", "-d", "501"]) == 2
    assert capsys.readouterr().err == (
        'skipstudy: nnUNet_preprocessed is not set; run: eval "$(skipstudy env --root DIR)"\n'
    )


def test_a_reader_that_has_seen_enough_is_no_fault() -> None:
    with subprocess.Popen(
        command_line(["skipstudy", "--help"]), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as shown:
        assert shown.stdout
        assert shown.stderr
        shown.stdout.close()  # as `| head` does
        assert shown.stderr.read() == b""
    assert shown.returncode == 141


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
@pytest.mark.parametrize(("arguments", "code"), [("--version", 0), ("analyse", 2)])
def test_closed_streams_are_no_fault(closed: str, arguments: str, code: int) -> None:
    """As under a daemon; nothing is printed by Python at the end either."""
    script = " ".join(command_line(["skipstudy", arguments]))
    finished = subprocess.run(["sh", "-c", f"exec {script} {closed}"], capture_output=True, text=True, check=False)
    assert finished.returncode == code
    assert "Traceback" not in finished.stderr
    assert "ignored" not in finished.stderr


def test_places_that_are_no_text_are_printed_all_the_same(tmp_path: Path) -> None:
    """A folder above may have any name; an error is one line whatever is quoted in it."""
    root = tmp_path / os.fsdecode(b"r\xff")
    printed = run(["skipstudy", "env", "--root", str(root)], {}).stdout
    assert "nnUNet_raw" in printed
    finished = run(["skipstudy", "analyze", f"{root}/a\nb", "--labels", str(root), "-o", str(root / "o")], {}, expect=2)
    assert finished.stderr.startswith("skipstudy: ")
    assert finished.stderr.count("\n") == 1
