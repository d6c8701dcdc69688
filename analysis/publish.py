"""An output folder that gets all of its files or none."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nnunet_skipstudy.errors import UserError


@contextmanager
def published(output: Path) -> Iterator[Path]:
    """Give an empty folder beside ``output`` whose files move there when the block ends well.

    Files of the same name are replaced, others that lie in ``output`` are left alone. On an exception nothing
    changes in ``output``.

    Raises:
        UserError: ``output`` can't be a folder or can't be written.
    """
    check_output(output)
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=".analyzing-", dir=output.parent))
    except OSError as error:
        raise UserError(f"{output}: can't be written ({error.strerror}); choose another folder with -o") from error
    try:
        yield folder
        for source in sorted(path for path in folder.rglob("*") if path.is_file()):
            target = output / source.relative_to(folder)
            target.parent.mkdir(parents=True, exist_ok=True)
            source.replace(target)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def check_output(output: Path) -> None:
    """Make sure, before long work, that ``output`` is or can become a folder.

    Raises:
        UserError: something other than a folder stands there or above it.
    """
    for path in (output, *output.parents):
        if path.exists() and not path.is_dir():
            raise UserError(f"{path}: is not a folder; choose another one with -o")
