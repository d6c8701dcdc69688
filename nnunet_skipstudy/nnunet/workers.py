"""nnU-Net's worker processes, watched: one that is killed, for want of memory for one, fails the work by name.

nnU-Net's own pools wait for ever where a worker was killed while it held one of their locks.
"""

import contextlib
import multiprocessing
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.sharedctypes import RawValue
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from nnunet_skipstudy.errors import UserError

KILLED = "was killed by the system, most likely for want of memory"
REMEDY = "give it more memory (resources: memory_gb), or fewer workers"


class _Pool:
    """What nnU-Net uses of ``multiprocessing.Pool``, on an executor, which knows when a worker of its dies."""

    _pool = ()  # nnU-Net asks whether its workers live; that is the executor's to see

    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    def __enter__(self) -> "_Pool":
        return self

    def __exit__(self, kind: type[BaseException] | None, *error: object) -> None:
        if kind is not None:  # what they are at is not waited for
            for worker in list((getattr(self._executor, "_processes", None) or {}).values()):
                worker.terminate()
        self._executor.shutdown(cancel_futures=True)

    def starmap_async(self, work: Callable[..., Any], arguments: Iterable[tuple[Any, ...]]) -> SimpleNamespace:
        futures = [self._executor.submit(work, *each) for each in arguments]
        return SimpleNamespace(
            ready=lambda: all(future.done() for future in futures),
            get=lambda: [future.result() for future in futures],
        )

    def starmap(self, work: Callable[..., Any], arguments: Iterable[tuple[Any, ...]]) -> Any:
        return self.starmap_async(work, arguments).get()


@contextlib.contextmanager
def watched_pools(*, threads: bool) -> Iterator[None]:
    """Let nnU-Net's pools of spawned processes notice a worker's end, or be threads; those that it forks are threads.

    Raises:
        UserError: a worker was killed.
    """
    get_context = multiprocessing.get_context

    def of_threads(processes: int) -> _Pool:
        return _Pool(ThreadPoolExecutor(processes))

    def of_processes(processes: int) -> _Pool:
        return _Pool(ProcessPoolExecutor(processes, mp_context=get_context("spawn")))

    def context(method: str | None = None) -> Any:
        return (
            SimpleNamespace(Pool=of_threads if threads else of_processes) if method == "spawn" else get_context(method)
        )

    with patch("multiprocessing.get_context", context), patch("nnunetv2.utilities.utils.Pool", of_threads):
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


@contextlib.contextmanager
def watched_augmenters() -> Iterator[None]:
    """Let a training end when one of its augmenting processes does.

    Raises:
        UserError: it did; what it said itself is in what was printed.
    """
    with patch("batchgenerators.dataloading.nondet_multi_threaded_augmenter.Event", _Flag):
        try:
            yield
        except RuntimeError as error:
            if "background workers are no longer alive" not in str(error):
                raise
            raise UserError(
                f"an augmenting process of nnU-Net's ended: if its own words are not in the log, it {KILLED}; "
                f"{REMEDY} (nnUNet_n_proc_DA)"
            ) from error
