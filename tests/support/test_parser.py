"""How an error reaches the user: in one line of bounded length, with a remedy that fits."""

import errno
import os
from pathlib import Path

import pytest

from nnunet_skipstudy.errors import UserError, nearest, shown
from nnunet_skipstudy.support.files import naming
from nnunet_skipstudy.support.parser import Parser, exit_code


def told(capsys: pytest.CaptureFixture[str], error: BaseException, code: int = 2) -> str:
    """What is printed of an exception."""

    def fail() -> int:
        raise error

    assert exit_code(fail) == code
    return capsys.readouterr().err


@pytest.mark.parametrize(
    ("number", "remedy"),
    [
        (errno.ENOSPC, "make space or give a place that can be used"),
        (errno.EDQUOT, "make space or give a place that can be used"),
        (errno.EACCES, "see to its permissions, or give another place"),
        (errno.EROFS, "give a place that can be written to"),
        (errno.EISDIR, "give another path"),
        (errno.EIO, "see to the disk or the network, then try again"),
    ],
)
def test_the_remedy_is_that_of_the_fault(number: int, remedy: str, capsys: pytest.CaptureFixture[str]) -> None:
    """An input that can't be read wants no space."""
    words = os.strerror(number)
    assert told(capsys, OSError(number, words, "a.png")) == f"skipstudy: a.png: {words}; {remedy}\n"


def test_other_complaints_of_the_system_are_faults_of_ours(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(OSError, match="Bad file descriptor"):
        told(capsys, OSError(errno.EBADF, os.strerror(errno.EBADF)))


def test_a_nameless_complaint_gets_the_place(capsys: pytest.CaptureFixture[str]) -> None:
    """As a write to a full disk is; one that has a name keeps it."""
    with pytest.raises(OSError, match="No space") as caught, naming(Path("folder")):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert "skipstudy: folder: No space left on device; make space" in told(capsys, caught.value)
    with pytest.raises(PermissionError) as named, naming(Path("folder")):
        raise PermissionError(errno.EACCES, "no", "file")
    assert named.value.filename == "file"


def test_an_error_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert told(capsys, UserError("a\nb: damaged")) == "skipstudy: a\\nb: damaged\n"
    refused = PermissionError(errno.EACCES, "no", "a\r\nb.png")
    assert told(capsys, refused) == "skipstudy: a\\r\\nb.png: no; see to its permissions, or give another place\n"


@pytest.mark.parametrize(
    "error",
    [
        UserError(f"{'x' * 100_000}: no such file; fetch it"),
        OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG), "/data/" + "x" * 100_000),
        OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "from", None, "/data/" + "\n" * 2000),
    ],
)
def test_of_a_long_error_the_middle_is_left_out(error: BaseException, capsys: pytest.CaptureFixture[str]) -> None:
    """A path out of a study file can have any length; the remedy at the end stays."""
    said = told(capsys, error)
    assert len(said) < 4000
    assert said.count("\n") == 1
    assert said.split("; ")[-1].strip() in {
        "fetch it",
        "give another path",
        "make space or give a place that can be used",
    }


@pytest.mark.parametrize("argument", ["9" * 5000, "x" * 10**6, "a\n" * 1000])
def test_an_argument_of_any_length_is_quoted_in_short(argument: str) -> None:
    parser = Parser(prog="skipstudy x")
    parser.add_argument("-d", type=int)
    with pytest.raises(UserError, match="invalid int value") as caught:
        parser.parse_args(["-d", argument])
    assert len(str(caught.value)) < 700
    assert "\n" not in str(caught.value)


NESTED: list[object] = []
for _ in range(60):
    NESTED = [NESTED, NESTED]  # stands for 2**60 lists


@pytest.mark.parametrize(
    "value",
    [
        NESTED,
        "x" * 10**6,
        list(range(10**6)),
        {"a" * 999: {"b": {"c": [1]}}},
        10**4000,
        1 << 10**6,
        b"\0" * 10**6,
        "a\nb",
    ],
    ids=["nested", "text", "list", "mapping", "number", "no number", "bytes", "lines"],
)
def test_a_quoted_value_is_short(value: object) -> None:
    assert len(shown(value)) < 600
    assert "\n" not in shown(value)


def test_a_short_value_is_quoted_whole() -> None:
    assert (shown("it's"), shown(0.1), shown(["a", 2]), shown(None)) == ('"it\'s"', "0.1", "['a', 2]", "None")
    assert shown(-(1 << 10**5)) == "a number of about 30000 digits"


def test_the_nearest_word_is_named() -> None:
    assert nearest("tarin", ["plan", "train"]) == "did you mean 'train'? Known here: plan, train"
    assert nearest("zzz", ["plan", "train"]) == "known here: plan, train"
