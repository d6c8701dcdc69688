"""What was measured, kept from one run to the next: a prediction whose content is unchanged is not measured again."""

import contextlib
import hashlib
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from nnunet_skipstudy.nnunet.images import file_parts
from nnunet_skipstudy.registry import METRICS
from nnunet_skipstudy.support.files import sha256_of_file, write_text

PLACE = Path(".cache") / "measurements.json"
"""Where the measurements lie in the output folder."""
VERSION = 3
"""Of the metrics' definitions and of the file: to be raised when either changes, so that all is measured anew."""
SAVE_EVERY_S = 60.0
"""So much work at most is lost when a run is killed."""


class Measured(NamedTuple):
    """The numbers of one prediction and label; metrics in the registry's order, ``image_size`` in voxels that count."""

    metrics: tuple[float, ...]
    reference_size: int
    predicted_size: int | None
    outcome: str
    image_size: int


Labels = tuple[Measured, ...]
"""The measurements of one prediction, label by label."""


class Measurements:
    """Measurements by what they were made of, in a file that is written whole or not at all.

    A file that can't be read, or is damaged, counts as none: everything is measured again. Several threads may ask
    and add.
    """

    def __init__(self, path: Path | None) -> None:
        """Read the file, where there is one; with ``None`` nothing is read or written."""
        self._path = path
        self._former = _load(path) if path else {}
        self._added: dict[str, Labels] = {}
        self._used: set[str] = set()
        self._saved = time.monotonic()

    def get(self, key: str) -> Labels | None:
        """What was measured under a key, now or by an earlier run."""
        self._used.add(key)
        return self._added.get(key) or self._former.get(key)

    def add(self, key: str, measured: Labels) -> None:
        """Note what was measured."""
        self._added[key] = measured

    def save_now_and_then(self) -> None:
        """Save, if that was long ago."""
        if time.monotonic() - self._saved > SAVE_EVERY_S:
            self.save(finished=False)

    def save(self, *, finished: bool) -> None:
        """Write the file: once ``finished`` only what was asked for, else also what a next run may ask for."""
        self._saved = time.monotonic()
        kept = {**self._former, **self._added}
        if finished:
            kept = {key: labels for key, labels in kept.items() if key in self._used}
            if kept == self._former:
                return
        if self._path and kept:
            content = json.dumps(kept, separators=(",", ":"))
            with contextlib.suppress(OSError):  # it only saves time; where nothing can be written, others will say so
                write_text(self._path, f"{_digest(content)}\n{content}\n")


def key_of(settings: Mapping[str, Any], label_hash: str, prediction_hash: str) -> str:
    """The key of a measurement: the content of both files, the metrics, and all settings that enter it."""
    words = json.dumps([VERSION, list(METRICS), settings, label_hash, prediction_hash])
    return _digest(words)


def content_hash(path: Path | None) -> str:
    """The hash of an image's content, in however many files it is; empty for no file."""
    hashes = [sha256_of_file(part) for part in file_parts(path)] if path else []
    return hashes[0] if len(hashes) == 1 else "+".join(hashes)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _load(path: Path) -> dict[str, Labels]:
    try:
        digest, content = path.read_text(encoding="utf-8").splitlines()
        if digest != _digest(content):
            return {}
        return {key: tuple(Measured(*row) for row in rows) for key, rows in json.loads(content).items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}
