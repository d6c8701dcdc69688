"""The one exception family that the command line turns into one line and exit code 2."""


class UserError(Exception):
    """The user's input or environment is at fault.

    The message names the file or value and ends with the remedy. The command line prints it as one line,
    ``skipstudy: <message>``, and exits with 2; a caller from Python catches it like any other exception.
    """
