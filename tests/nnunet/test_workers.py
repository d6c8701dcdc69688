"""Worker processes that nnU-Net starts, and their sudden ends."""

import multiprocessing
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.nnunet.workers import watched_augmenters, watched_pools


def pids(pool: Any, n: int) -> set[int]:
    """The processes that did some of ``n`` pieces of work."""
    return set(pool.starmap_async(os.getpid, [()] * n).get())


def wait_for(results: list[Any]) -> list[Any]:
    """As nnU-Net waits for the cases that it preprocesses."""
    while not all(result.ready() for result in results):
        time.sleep(0.05)
    return [result.get() for result in results]


def test_spawned_pools_work_as_nnunets_own() -> None:
    with watched_pools(threads=False), multiprocessing.get_context("spawn").Pool(2) as pool:
        assert os.getpid() not in pids(pool, 4)
        results = [pool.starmap_async(divmod, ((number, 3),)) for number in range(9)]
        assert wait_for(results) == [[divmod(number, 3)] for number in range(9)]
        failing = pool.starmap_async(divmod, ((1, 0),))
        with pytest.raises(ZeroDivisionError):
            wait_for([failing])


def test_on_small_data_threads_do_the_work() -> None:
    before = multiprocessing.get_context
    with watched_pools(threads=True), multiprocessing.get_context("spawn").Pool(2) as pool:
        assert pids(pool, 4) == {os.getpid()}
        assert multiprocessing.get_context("fork").Process
    assert multiprocessing.get_context is before


def work_of_killed_workers(busy: bool) -> None:
    with watched_pools(threads=False), multiprocessing.get_context("spawn").Pool(2) as pool:
        workers = pids(pool, 8)
        results = [pool.starmap_async(time.sleep, ((120 * busy,),)) for _ in range(3)]
        if not busy:
            wait_for(results)
        for worker in workers:
            os.kill(worker, signal.SIGKILL)
        for _ in range(400):  # a worker that was only starting may do some before the others' end is noticed
            wait_for([*results, pool.starmap_async(time.sleep, ((0.05,),))])


@pytest.mark.parametrize("busy", [True, False], ids=["busy", "idle"])
def test_a_killed_worker_of_a_pool_fails_the_work_with_the_remedy(busy: bool) -> None:
    """Also one that waits for work and so holds the queue's lock: a pool of Python's can't even be closed then."""
    started = time.monotonic()
    with pytest.raises(UserError, match=r"was killed by the system.*memory; give it more memory"):
        work_of_killed_workers(busy)
    assert time.monotonic() - started < 100


def work_given_up() -> None:
    with watched_pools(threads=False), multiprocessing.get_context("spawn").Pool(1) as pool:
        pool.starmap_async(time.sleep, ((60,),))
        raise KeyboardInterrupt


def test_work_that_is_given_up_is_not_waited_for() -> None:
    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        work_given_up()
    assert time.monotonic() - started < 50


def test_files_are_listed_without_a_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """nnU-Net forks twelve for it, from a process with threads and locks of its own."""
    from nnunetv2.utilities.utils import create_lists_from_splitted_dataset_folder

    monkeypatch.setattr(os, "fork", lambda: pytest.fail("forked"))
    for name in ("a_0000.png", "a_0001.png", "b_0000.png"):
        (tmp_path / name).touch()
    with watched_pools(threads=False):
        listed = create_lists_from_splitted_dataset_folder(str(tmp_path), ".png")
    assert [[Path(file).name for file in case] for case in listed] == [["a_0000.png", "a_0001.png"], ["b_0000.png"]]


class Loader:
    """Batches without an end, of the process that makes them."""

    def set_thread_id(self, number: int) -> None:
        pass

    def __next__(self) -> dict[str, int]:
        return {"pid": os.getpid()}


def training_of_a_killed_augmenter() -> None:
    from batchgenerators.dataloading.nondet_multi_threaded_augmenter import NonDetMultiThreadedAugmenter

    with watched_augmenters():
        augmenter = NonDetMultiThreadedAugmenter(Loader(), None, 2, 2, None, False, 0.001)
        os.kill(next(augmenter)["pid"], signal.SIGKILL)
        while True:
            next(augmenter)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_killed_augmenter_ends_the_training_with_the_remedy() -> None:
    """Whichever moment it is killed in; batchgenerators' own thread says so, too."""
    for _ in range(2):
        with pytest.raises(UserError, match=r"augmenting process .* memory; .*nnUNet_n_proc_DA"):
            training_of_a_killed_augmenter()


def test_other_errors_of_a_training_stay_what_they_are() -> None:
    with pytest.raises(RuntimeError, match="CUDA"), watched_augmenters():
        raise RuntimeError("CUDA out of memory")
