"""The cells on Snakemake: local cores, Slurm, or any other of its executors."""

import contextlib
import sys
from collections.abc import Sequence
from importlib.resources import as_file, files
from importlib.util import find_spec
from typing import Any

from nnunet_skipstudy.errors import UserError, shown
from nnunet_skipstudy.nnunet.calls import cores, visible_gpus
from nnunet_skipstudy.study.places import Places
from nnunet_skipstudy.study.settings import Resources, Study
from nnunet_skipstudy.study.steps import STEPS

CLUSTER_JOBS = 100
SNAKEMAKE_LOG = "snakemake.log"


def step_entries(study: Study, *, local: bool, jobs: int | None = None) -> list[dict[str, Any]]:
    """What Snakemake and the cells have to know of each step: threads, resources under Snakemake's names, and slots.

    Locally a cell waits for a slot of its step: Snakemake 9.10 to 9.15 at least loses count of cores and resources
    whenever a single cell is ready (snakemake/snakemake#3913) and starts too many. A slot may name its GPU.
    """
    entries = []
    total = jobs or cores()
    for step in STEPS.values():
        wanted = study.resources_of(step.name)
        threads = min(wanted.cpus or total, total) if local else wanted.cpus or 1
        needs_gpu = study.device == "cuda" and step.tflop is not None
        gpus = visible_gpus() if local and needs_gpu else []
        entry: dict[str, Any] = {"name": step.name, "threads": threads, "resources": _resources(wanted, gpu=needs_gpu)}
        if local:
            entry["gpus"] = gpus
            entry["slots"] = max(1, min(total // threads, len(gpus) or 1)) if needs_gpu else max(1, total // threads)
        entries.append(entry)
    return entries


def _resources(wanted: Resources, *, gpu: bool) -> dict[str, Any]:
    gpus = wanted.gpus if wanted.gpus is not None else int(gpu)
    named: dict[str, Any] = {
        "mem_mb": round(wanted.memory_gb * 1000) if wanted.memory_gb else None,
        "runtime": max(1, round(wanted.hours * 60)) if wanted.hours else None,
        "gpu": gpus or None,
        "slurm_partition": wanted.partition,
        "slurm_account": wanted.account,
        "slurm_extra": wanted.slurm,
    }
    return {name: value for name, value in named.items() if value is not None}


def check_executor(name: str) -> None:
    """Refuse an executor before Snakemake does. Raises UserError: its plugin isn't installed."""
    plugin = f"snakemake_executor_plugin_{name.replace('-', '_')}"
    if name != "local" and find_spec("snakemake") and not (plugin.isidentifier() and find_spec(plugin)):
        raise UserError(
            f"executor {shown(name)}: its plugin is not installed; pip install snakemake-executor-plugin-{name[:40]}, "
            "or choose inline or local (--executor)"
        )


def run_snakemake(places: Places, executor: str, jobs: int | None, extra: Sequence[str]) -> str:
    """Let Snakemake work on the grid that was written; which cells failed is in their records.

    ``jobs``: cells at once on a cluster, cores locally; None: 100, or all cores. ``extra``: Snakemake's arguments.
    Returns why it did not end well, in its own words; empty if it did. Raises UserError: Snakemake is not installed.
    """
    with as_file(files("nnunet_skipstudy.study") / "Snakefile") as snakefile:
        arguments = [
            *("--snakefile", str(snakefile)),
            *("--directory", str(places.engine)),  # where the Snakefile finds the grid
            *("--executor", executor),
            *_extent(executor, jobs),
            "--keep-going",
            "--nolock",  # our own lock vanishes with a killed run
            *("--rerun-triggers", "mtime"),  # the settings are in the markers' names
            *("--scheduler", "greedy"),
            "--drop-metadata",
            "--ignore-incomplete",  # markers appear whole or not at all
            *extra,
        ]
        log = places.root / "logs" / SNAKEMAKE_LOG
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("a", encoding="utf-8") as out, contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
            start = log.stat().st_size
            code = _main(arguments)
        return _reason(log.read_bytes()[start:].decode(errors="replace")) if code else ""


def _reason(printed: str) -> str:
    """The line of Snakemake's output that says what was wrong."""
    lines = [line.strip() for line in printed.splitlines() if line.strip()]
    telling = [line for line in lines if "rror" in line or "nvalid" in line or "user request" in line]
    return (telling or lines or ["no words"])[0]


def _extent(executor: str, jobs: int | None) -> list[str]:
    if executor == "local":
        return ["--cores", str(jobs or cores())]
    # without --cores this machine's would limit what a cell can ask of the cluster (snakemake/snakemake#3191)
    return ["--jobs", str(jobs or CLUSTER_JOBS), "--cores", "1000000"]


def _main(arguments: list[str]) -> int:
    try:
        from snakemake.cli import main
    except ImportError as error:
        version = ".".join(map(str, sys.version_info[:2]))
        raise UserError(
            f"Snakemake is not installed (it needs Python 3.11, this is {version}); "
            "run with --executor inline, or install 'nnunet-skipstudy[slurm]'"
        ) from error
    try:
        main(arguments)
    except SystemExit as end:
        return int(end.code or 0) if not isinstance(end.code, str) else 1
    return 0
