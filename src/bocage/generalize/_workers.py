"""Work on tiles in one process or several, and a place for their files."""

from __future__ import annotations

import multiprocessing
import tempfile
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

Spread = Callable[[Callable[..., Any], Iterable[tuple[Any, ...]]], list[Any]]
"""Runs a function with each of some arguments, maybe in several processes, in order."""


@contextmanager
def processes(workers: int) -> Iterator[Spread]:
    """A function that runs work in some processes, in order; in this one when it is one."""
    if workers == 1:
        yield lambda work, tasks: [work(*task) for task in tasks]
        return
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn")) as pool:

        def spread(work: Callable[..., Any], tasks: Iterable[tuple[Any, ...]]) -> list[Any]:
            # Tasks carry windows of rasters: only as many are made as are soon worked on.
            waiting: deque[Future[Any]] = deque()
            done = []
            for task in tasks:
                waiting.append(pool.submit(work, *task))
                if len(waiting) > workers:
                    done.append(waiting.popleft().result())
            return done + [future.result() for future in waiting]

        yield spread


@contextmanager
def folder_for(scratch: Path | None) -> Iterator[Path]:
    """A folder of its own in `scratch`, which is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="bocage-", dir=scratch) as folder:
        yield Path(folder)
