"""Engines that carry out pieces: this process, a pool of processes, or a Dask cluster."""

from __future__ import annotations

import logging
import multiprocessing
import os
import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, Self

from bocage.errors import BocageError, ConfigError, RunError
from bocage.files import sha256

Work = Callable[..., dict[str, Any] | None]


@dataclass(frozen=True)
class Piece:
    """One unit of work: a function that reads some files and writes others.

    Attributes
    ----------
    room, id
        Name of the piece in the ledger.
    work
        Top-level function; it may return facts worth keeping.
    arguments
        Keyword arguments of `work`, picklable.
    inputs
        Files the result depends on.
    outputs
        Files that `work` writes.
    settings
        Everything else the result depends on, as JSON-able values.
    """

    room: str
    id: str
    work: Work
    arguments: dict[str, Any]
    outputs: tuple[Path, ...]
    inputs: tuple[Path, ...] = ()
    settings: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """What became of a piece: facts and costs, or the error that it raised."""

    piece: Piece
    seconds: float = 0.0
    peak_rss_mb: float = 0.0
    facts: dict[str, Any] = field(default_factory=dict)
    error: BocageError | None = None


def carry_out(piece: Piece) -> Outcome:
    """Do one piece and measure it; errors of ours are returned, others raise."""
    start = time.perf_counter()
    try:
        facts = dict(piece.work(**piece.arguments) or {})
        facts["outputs"] = {str(path): sha256(path) for path in piece.outputs}
    except BocageError as error:
        return Outcome(piece, error=error.bare())
    return Outcome(piece, time.perf_counter() - start, _peak_rss_mb(), facts)


def _peak_rss_mb() -> float:
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


class Engine(AbstractContextManager["Engine"], Protocol):
    """Carries out pieces that do not depend on each other, in any order."""

    workers: int

    def run(self, pieces: Sequence[Piece]) -> Iterator[Outcome]:
        """Yield the outcome of each piece as it is ready."""
        ...


class SerialEngine:
    """All in this process, one after the other."""

    workers = 1

    def run(self, pieces: Sequence[Piece]) -> Iterator[Outcome]:
        """Yield the outcome of each piece in order."""
        yield from map(carry_out, pieces)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        """Nothing to close."""


class ProcessEngine:
    """A pool of processes on this machine, one thread each.

    Parameters
    ----------
    workers
        Number of processes.
    """

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self._pool: ProcessPoolExecutor | None = None

    def run(self, pieces: Sequence[Piece]) -> Iterator[Outcome]:
        """Yield the outcome of each piece as it is ready.

        Raises
        ------
        RunError
            If a process dies, for instance when memory runs out.
        """
        if not pieces:
            return
        if self._pool is None:
            # Spawned, not forked: threads of numerical libraries do not survive a fork.
            self._pool = ProcessPoolExecutor(
                self.workers, multiprocessing.get_context("spawn"), initializer=_start_worker
            )
        futures: list[Future[Outcome]] = [self._pool.submit(carry_out, p) for p in pieces]
        try:
            for future in as_completed(futures):
                yield future.result()
        except BrokenProcessPool as error:
            raise RunError(
                "a worker process died, most likely for lack of memory",
                remedy="run the same command again with fewer workers (--cluster local:1) or "
                "a smaller grid.block_m; what is finished stays",
            ) from error
        finally:
            for future in futures:
                future.cancel()

    def __enter__(self) -> Self:
        single_thread()  # spawned processes inherit the environment
        return self

    def __exit__(self, *raised: object) -> None:
        """Stop the processes."""
        if self._pool is not None:
            self._pool.shutdown(wait=raised[1] is None, cancel_futures=True)
            self._pool = None


class DaskEngine:
    """A Dask cluster: one started on this machine, or a running scheduler.

    Parameters
    ----------
    address
        ``local``, ``local:N`` or the address of a scheduler.
    timeout
        How long to wait for the scheduler.
    """

    def __init__(self, address: str, timeout: str = "20s") -> None:
        self._address = address
        self._timeout = timeout
        self._stack = ExitStack()
        self._client: Any = None
        self.workers = 1

    def run(self, pieces: Sequence[Piece]) -> Iterator[Outcome]:
        """Yield the outcome of each piece as it is ready."""
        from distributed import as_completed as dask_completed

        futures = self._client.map(carry_out, pieces, pure=False)
        for future in dask_completed(futures):
            yield future.result()

    def __enter__(self) -> Self:
        from distributed import Client, LocalCluster

        single_thread()
        local = re.fullmatch(r"local(?::(\d+))?", self._address)
        try:
            if local:
                count = int(local[1] or os.cpu_count() or 1)
                cluster = self._stack.enter_context(
                    LocalCluster(
                        n_workers=count,
                        threads_per_worker=1,
                        host="127.0.0.1",
                        dashboard_address=None,
                        silence_logs=logging.ERROR,
                    )
                )
                self._client = self._stack.enter_context(Client(cluster))
            else:
                self._client = self._stack.enter_context(
                    Client(self._address, timeout=self._timeout)
                )
        except (OSError, TimeoutError) as error:
            self._stack.close()
            raise ConfigError(
                f"no Dask scheduler answers at {self._address}: {error}",
                remedy="start one with 'dask scheduler', or use --cluster local",
            ) from error
        self.workers = max(1, len(self._client.scheduler_info()["workers"]))
        return self

    def __exit__(self, *raised: object) -> None:
        """Close the client and a cluster of our own."""
        self._stack.close()


def single_thread() -> None:
    """One thread per process: threads times processes would fight for the cores."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    os.environ.setdefault("GDAL_NUM_THREADS", "1")


def _start_worker() -> None:
    single_thread()
    # A worker waits for work on a pipe that its siblings hold open too: when the main process
    # is killed nothing would tell it.
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def open_engine(cluster: str | None) -> Engine:
    """The engine behind ``--cluster``.

    Parameters
    ----------
    cluster
        None: a pool with a process per core. ``none``: this process alone. ``local``,
        ``local:N`` or ``tcp://…``: Dask.
    """
    if cluster is None:
        return ProcessEngine(os.cpu_count() or 1)
    if cluster == "none":
        return SerialEngine()
    if re.fullmatch(r"local(:[1-9]\d*)?|(tcp|tls|ucx)://.+", cluster):
        return DaskEngine(cluster)
    raise ConfigError(
        f"--cluster {cluster} is no cluster",
        remedy="use none, local, local:4 or the address of a Dask scheduler such as tcp://host:8786",
    )
