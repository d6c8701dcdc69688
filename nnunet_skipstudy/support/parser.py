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
LONGEST = 600


class Parser(argparse.ArgumentParser):
    """An argument parser whose complaint is one line with a remedy, like every other error of ours."""

    def error(self, message: str) -> NoReturn:
        """Raise instead of printing the usage and exiting. Always raises UserError."""
        if len(message) > LONGEST:
            message = f"{message[: LONGEST // 2]} ... {message[-LONGEST // 2 :]}"
        raise UserError(f"{' '.join(message.split())}; see '{self.prog} --help'")


def exit_code(run: Callable[[], int]) -> int:
    """Run a command and return its exit code; a fault of the user's becomes one line on stderr and 2.

    A fault of ours stays an exception, which Python reports with exit code 1.
    """
    try:
        return run()
    except UserError as error:
        print("skipstudy:", str(error).replace("\n", "\\n"), file=sys.stderr)
        return 2
    except OSError as error:
        if error.errno not in REMEDIES:
            raise
        print(f"skipstudy: {_complaint(error)}; {REMEDIES[error.errno]}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("skipstudy: interrupted; the same command again continues where it can", file=sys.stderr)
        return 130


def _complaint(error: OSError) -> str:
    """The system's words with the file that they are about; of a renaming, where it led to."""
    place = error.filename2 or error.filename
    return f"{place}: {error.strerror}" if place else str(error.strerror)


def run_script(main: Callable[[list[str]], int]) -> NoReturn:
    """Run ``main`` with the process's arguments and exit: for a file that is called as a script."""
    sys.exit(exit_code(lambda: main(sys.argv[1:])))
