"""Many independent pieces of work on a few threads, with a progress bar."""

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from nnunet_skipstudy.errors import UserError

Item = TypeVar("Item")
Result = TypeVar("Result")
MOST_BY_DEFAULT = 4
MOST = 1024


def number_of_workers(asked: int | None) -> int:
    """Threads as asked for with ``-np``, else one a processor, up to four. Raises UserError: too few or many."""
    if asked is None:
        return min(MOST_BY_DEFAULT, os.cpu_count() or 1)
    if not 1 <= asked <= MOST:
        raise UserError(f"-np {asked}: {'no' if asked < 1 else 'too many'} workers; give a number from 1 to {MOST}")
    return asked


def parallel_map(
    work: Callable[[Item], Result], items: Iterable[Item], *, workers: int, title: str, unit: str = "case"
) -> list[Result]:
    """``[work(item) for item in items]`` on threads, results in the items' order.

    Threads, because what takes the time (decoding, noise, blur, patterns) releases Python's lock. Where items
    fail, the exception of the first one in the items' order is raised, whatever the number of threads; items not
    yet begun by then are dropped. The bar is on stderr, and only where that is a terminal.
    """
    from tqdm import tqdm

    waiting = list(items)
    with (
        tqdm(total=len(waiting), desc=title, unit=unit, disable=None) as bar,
        ThreadPoolExecutor(max_workers=workers) as pool,
    ):
        futures = [pool.submit(work, item) for item in waiting]
        for future in futures:
            future.add_done_callback(lambda _: bar.update())
        try:
            return [future.result() for future in futures]
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise
