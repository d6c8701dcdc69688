"""nnU-Net's worker processes, watched: one that the system kills fails the work by name.

nnU-Net's own pools wait for ever for one that was killed while it held a lock of theirs.
"""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.pool import ThreadPool
from multiprocessing.sharedctypes import RawValue
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from nnunet_skipstudy.errors import UserError

KILLED = "was killed by the system, most likely for want of memory"
REMEDY = "give it more memory (resources: memory_gb), or fewer workers"


class _Pool(ProcessPoolExecutor):
    """What nnU-Net uses of ``multiprocessing.Pool``, by an executor, which knows when a worker of its dies."""

    _pool = ()  # nnU-Net asks whether its workers live; that is the executor's to see

    def __init__(self, processes: int) -> None:
        super().__init__(processes, mp_context=get_context("spawn"))

    def __exit__(self, kind: type[BaseException] | None, *error: object) -> None:
        for worker in list((self._processes or {}).values()) if kind else ():  # what they are at is not waited for
            worker.terminate()
        self.shutdown(cancel_futures=True)

    def starmap_async(self, work: Callable[..., Any], arguments: Iterable[tuple[Any, ...]]) -> SimpleNamespace:
        futures = [self.submit(work, *each) for each in arguments]
        return SimpleNamespace(
            ready=lambda: all(future.done() for future in futures), get=lambda: [future.result() for future in futures]
        )


@contextmanager
def watched_pools(*, threads: bool) -> Iterator[None]:
    """Let nnU-Net's pools of spawned processes notice a worker's end, or be threads; those that it forks are threads.

    Raises:
        UserError: a worker was killed.
    """
    ours = SimpleNamespace(Pool=ThreadPool if threads else _Pool)

    def context(method: str | None = None) -> Any:
        return ours if method == "spawn" else get_context(method)

    with patch("multiprocessing.get_context", context), patch("nnunetv2.utilities.utils.Pool", ThreadPool):
        try:
            yield
        except BrokenProcessPool as error:
            raise UserError(f"a worker process of nnU-Net's {KILLED}; {REMEDY} (resources: cpus, -np)") from error


class _Flag:
    """What nnU-Net uses of ``multiprocessing.Event``, without the lock that a killed process may keep."""

    def __init__(self) -> None:
        self._value = RawValue("b", 0)

    def is_set(self) -> bool:
        return bool(self._value.value)

    def set(self) -> None:
        self._value.value = 1


@contextmanager
def watched_augmenters() -> Iterator[None]:
    """Let a training end when one of its augmenting processes does. Raises UserError: it did; see what was printed."""
    with patch("batchgenerators.dataloading.nondet_multi_threaded_augmenter.Event", _Flag):
        try:
            yield
        except RuntimeError as error:
            if "background workers are no longer alive" not in str(error):
                raise
            what = f"ended: if its own words are not in the log, it {KILLED}; {REMEDY} (nnUNet_n_proc_DA)"
            raise UserError(f"an augmenting process of nnU-Net's {what}") from error
