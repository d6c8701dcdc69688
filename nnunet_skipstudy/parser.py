"""What every command shares: the parser of its arguments, and how its errors reach the user."""

import argparse
import sys
from collections.abc import Callable
from typing import NoReturn

from nnunet_skipstudy.errors import UserError


class Parser(argparse.ArgumentParser):
    """An argument parser whose complaint is one line with a remedy, like every other error of ours."""

    def error(self, message: str) -> NoReturn:
        """Raise instead of printing the usage and exiting.

        Raises:
            UserError: always.
        """
        raise UserError(f"{message}; see '{self.prog} --help'")


def exit_code(run: Callable[[], int]) -> int:
    """Run a command and return its exit code; a fault of the user's becomes one line on stderr and 2.

    A fault of ours stays an exception, which Python reports with exit code 1.
    """
    try:
        return run()
    except UserError as error:
        print(f"skipstudy: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("skipstudy: interrupted; the same command again continues where it can", file=sys.stderr)
        return 130


def run_script(main: Callable[[list[str]], int]) -> NoReturn:
    """Run ``main`` with the process's arguments and exit: for a file that is called as a script."""
    sys.exit(exit_code(lambda: main(sys.argv[1:])))
