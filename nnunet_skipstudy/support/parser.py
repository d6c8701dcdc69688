"""What every command shares: the parser of its arguments, and how its errors reach the user."""

import argparse
import errno
import sys
from collections.abc import Callable
from typing import NoReturn

from nnunet_skipstudy.errors import UserError

REMEDIES: dict[int, str] = {
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT, errno.EFBIG), "make space or give a place that can be used"),
    **dict.fromkeys((errno.EACCES, errno.EPERM), "see to its permissions, or give another place"),
    **dict.fromkeys((errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG, errno.ELOOP), "give another path"),
    **dict.fromkeys((errno.EIO, errno.ESTALE, errno.ETIMEDOUT), "see to the disk or the network, then try again"),
    errno.EROFS: "give a place that can be written to",
}
"""What is to be done about a complaint of the system's; any other one is a fault of ours."""
LONGEST, LONGEST_LINE = 600, 1900
"""Signs: of words on arguments and of a path that the system complains of; of any line."""


class Parser(argparse.ArgumentParser):
    """An argument parser whose complaint is one line with a remedy, like every other error of ours."""

    def error(self, message: str) -> NoReturn:
        """Raise instead of printing the usage and exiting. Always raises UserError."""
        raise UserError(f"{' '.join(_cut(message, LONGEST).split())}; see '{self.prog} --help'")


def exit_code(run: Callable[[], int]) -> int:
    """Run a command and return its exit code; a fault of the user's becomes one line on stderr and 2.

    A fault of ours stays an exception, which Python reports with exit code 1.
    """
    try:
        return run()
    except UserError as error:
        _tell(str(error))
        return 2
    except OSError as error:
        if error.errno not in REMEDIES:
            raise
        _tell(f"{_complaint(error)}; {REMEDIES[error.errno]}")
        return 2
    except KeyboardInterrupt:
        print("skipstudy: interrupted; the same command again continues where it can", file=sys.stderr)
        return 130


def _tell(error: str) -> None:
    """One line of bounded length."""
    print("skipstudy:", _cut(error, LONGEST_LINE).replace("\r", "\\r").replace("\n", "\\n"), file=sys.stderr)


def _complaint(error: OSError) -> str:
    """The system's words with the file that they are about; of a renaming, where it led to."""
    place = error.filename2 or error.filename
    return f"{_cut(str(place), LONGEST)}: {error.strerror}" if place else str(error.strerror)


def _cut(text: str, longest: int) -> str:
    """The text, without its middle where it is longer than that."""
    return text if len(text) <= longest else f"{text[: longest // 2]} ... {text[-longest // 2 :]}"


def run_script(main: Callable[[list[str]], int]) -> NoReturn:
    """Run ``main`` with the process's arguments and exit: for a file that is called as a script."""
    sys.exit(exit_code(lambda: main(sys.argv[1:])))
