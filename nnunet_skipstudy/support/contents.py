"""Fingerprints of data on disk, so that changed files are noticed: by content, since a redrawn mask keeps its size."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from nnunet_skipstudy.support.files import read_record, sha256_of_file, write_json

DIGITS = 16
SETTINGS_DIGITS = 12


def settings_hash(settings: Mapping[str, Any], needed: Iterable[str] = ()) -> str:
    """The first digits of the SHA-256 of settings, as JSON, and of the hashes of what they build upon, in any order."""
    text = json.dumps([settings, sorted(needed)], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:SETTINGS_DIGITS]


class Contents:
    """Hashes files, and remembers the hashes of those whose size and time of change stay."""

    def __init__(self, memory: Path) -> None:
        """``memory``: the file of what was hashed before; it need not be there."""
        self._memory = memory
        self._known: dict[str, list[object]] = read_record(memory)
        self._before = dict(self._known)

    def of(self, path: Path) -> str | None:
        """The hash of a file, or of the names and contents of a folder's files (hidden ones left out); None: absent."""
        if path.is_dir():
            files = sorted(entry for entry in path.iterdir() if entry.is_file() and not entry.name.startswith("."))
            digest = hashlib.sha256()
            for file in files:
                digest.update(f"{file.name}\0{self._of_file(file)}\n".encode())
            return digest.hexdigest()[:DIGITS]
        return self._of_file(path) if path.is_file() else None

    def parts(self, folder: Path, names: Iterable[str]) -> dict[str, str]:
        """The hashes of those of a folder's files and folders that are there, by name."""
        found = {name: self.of(folder / name) for name in names}
        return {name: value for name, value in found.items() if value is not None}

    def _of_file(self, path: Path) -> str:
        facts = path.stat()
        key = str(path)
        known = self._known.get(key)
        if known is None or known[:2] != [facts.st_size, facts.st_mtime_ns]:
            known = [facts.st_size, facts.st_mtime_ns, sha256_of_file(path)[:DIGITS]]
            self._known[key] = known
        return str(known[2])

    def save(self) -> None:
        """Remember what was hashed for the next time."""
        if self._known != self._before:
            write_json(self._memory, self._known)
            self._before = dict(self._known)
