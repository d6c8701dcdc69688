"""The one exception family that the command line turns into one line and exit code 2, and what its messages quote."""

import difflib
import reprlib
from collections.abc import Collection


class UserError(Exception):
    """The user's input or environment is at fault.

    The message names the file or value and ends with the remedy. The command line prints it as one line,
    ``skipstudy: <message>``, and exits with 2; a caller from Python catches it like any other exception.
    """


_QUOTE = reprlib.Repr()
_QUOTE.maxlevel = 2
_QUOTE.maxstring = _QUOTE.maxother = _QUOTE.maxlong = 80


def shown(value: object) -> str:
    """A user's value as a message quotes it: as Python writes it, in one line of bounded length.

    What is long is cut in its middle, what is nested deeply at its second level; of a number with more digits than
    Python writes only their count is told.
    """
    try:
        return _QUOTE.repr(value)
    except ValueError:
        return f"a number of about {int(value).bit_length() * 3 // 10} digits" if isinstance(value, int) else "a value"


def nearest(word: str, known: Collection[str]) -> str:
    """The known word most like ``word``, and all of them."""
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)
    listed = ", ".join(known)
    return f"did you mean {close[0]!r}? Known here: {listed}" if close else f"known here: {listed}"
