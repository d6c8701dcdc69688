"""The study in small: a ``study.yaml`` of synthetic textures, sized for two CPU cores and a few minutes."""

from pathlib import Path

from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.support.files import write_text

SETTINGS_FILE = "study.yaml"


def claim_root(root: Path, text: str) -> Path:
    """Make ``root`` the demo's folder.

    Args:
        root: gets the study's file, and all that a run makes.
        text: the study's file.

    Returns:
        The study's file.

    Raises:
        UserError: ``root`` holds a demo of other settings, or other things, or can't be made.
    """
    file = root.resolve() / SETTINGS_FILE
    if file.is_file():
        if file.read_text(encoding="utf-8") != text:
            raise UserError(f"{root}: holds a demo of other settings ({file.name}); remove it or give another -o")
        return file
    if root.is_dir() and any(root.iterdir()):
        raise UserError(f"{root}: is not empty and holds no demo; give another -o")
    try:
        write_text(file, text)
    except OSError as error:
        raise UserError(f"{root}: can't be written to ({error.strerror}); give another -o") from error
    return file
