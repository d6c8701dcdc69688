"""``skipstudy run``: the whole grid of a study."""

import sys

from nnunet_skipstudy.commands.analyze import print_tables
from nnunet_skipstudy.commands.cell import run_command
from nnunet_skipstudy.commands.status import print_cells, print_cost
from nnunet_skipstudy.commands.study_file import open_file, study_parser
from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.study.cells import State
from nnunet_skipstudy.study.run import Opened, Outcome, executor_of, refuse_impossible, run_study

MOST_JOBS = 10_000


def main(argv: list[str]) -> int:
    """Run what is not done, print what failed and where the report lies.

    Raises:
        UserError: the study's file is at fault, another run is at work on it, or cells failed.
    """
    parser = study_parser(
        "run",
        "Run a study: convert, perturb, plan and preprocess, train, predict all levels, analyze, report. "
        "The same command again continues where it stopped. A cell that fails does not stop the others; the report is "
        "made from what exists and says what is missing. Options after -- go to Snakemake.",
        usage="skipstudy run STUDY.yaml [--dry-run [--measure]] [--executor NAME] [-j N] [-- SNAKEMAKE OPTIONS]",
    )
    parser.add_argument("--dry-run", action="store_true", help="list the cells, their state and cost; do nothing")
    parser.add_argument(
        "--measure",
        action="store_true",
        help="with --dry-run: time some training steps of each network on this machine first, for the estimate",
    )
    parser.add_argument(
        "--executor",
        metavar="NAME",
        help="local: a process a cell, on Snakemake; inline: all cells in this process, one after another; slurm, or "
        "another executor plugin of Snakemake's (default: local, with small_data inline)",
    )
    parser.add_argument("-j", type=int, dest="jobs", metavar="N", help="cores (local) or cells at once (cluster)")
    own, extra = (argv[: argv.index("--")], argv[argv.index("--") + 1 :]) if "--" in argv else (argv, [])
    arguments = parser.parse_args(own)
    if arguments.jobs is not None and not 1 <= arguments.jobs <= MOST_JOBS:
        raise UserError(f"-j {arguments.jobs}; give at least 1 and at most {MOST_JOBS}")

    opened = open_file(arguments.study)
    if arguments.measure and not arguments.dry_run:
        raise UserError("--measure belongs to --dry-run; a run measures its own trainings")
    if arguments.measure:
        measure_speed(opened)
    if arguments.dry_run:
        found = opened.states()
        print_cells(opened, found, everything=True)
        print_cost(opened, found)
        for words in refuse_impossible(opened, found):
            print(f"skipstudy: warning: {words}", file=sys.stderr)
        return 0
    executor = arguments.executor or ("inline" if opened.study.small_data else "local")
    if extra and executor == "inline":
        raise UserError("options after -- are Snakemake's; they need another executor than inline (--executor local)")
    return run(opened, executor, arguments.jobs, extra)


def measure_speed(opened: Opened) -> None:
    """Time training steps of the study's networks on this machine; the estimates from now on stand on these."""
    from tqdm import tqdm

    from nnunet_skipstudy.planning.nominal import NOMINAL_FEATURES
    from nnunet_skipstudy.planning.speed import measure, write_speed

    study = opened.study
    speed = measure(
        tqdm(study.counted, desc="timing", unit="network", file=sys.stderr),
        study.device,
        features=study.plans.base_features or NOMINAL_FEATURES,
        deep_supervision=study.deep_supervision,
    )
    write_speed(opened.places.speed, speed)


def run(opened: Opened, executor: str, jobs: int | None = None, extra: list[str] | None = None) -> int:
    """Run an opened study, print how it ended. Raises UserError: another run is at it, it can't be done, or failed."""
    outcome = run_study(opened, executor_of(executor, run_command, jobs, extra or []))
    print_outcome(opened, outcome)
    return 0


def print_outcome(opened: Opened, outcome: Outcome) -> None:
    """Print tables and where the report lies; what failed on stderr. Raises UserError: not everything is done."""
    if outcome.report:
        notes = opened.plan_words()
        for words in outcome.measured.get("warnings", []):
            print(f"skipstudy: {'note' if words in notes else 'warning'}: {words}", file=sys.stderr)
        print_tables(outcome.measured.get("tables", []))
        print(f"report: {outcome.report}")
    failed = [state for state in outcome.states if state.state is State.FAILED]
    for state in failed:
        print(
            f"skipstudy: {state.cell.key} failed: {state.error}; log: {opened.places.log(state.cell)}", file=sys.stderr
        )
    n_open = sum(state.state is not State.DONE for state in outcome.states) - len(failed)
    if failed or n_open:
        waiting = f", {n_open} wait for them" if n_open else ""
        raise UserError(
            f"{opened.file}: {len(failed)} of {len(outcome.states)} cells failed{waiting}; mend the cause, then run "
            "the same command again"
        )
