"""``skipstudy status``: what of a study is done, running, failed, waiting."""

import json

from nnunet_skipstudy.commands.study_file import open_file, study_parser
from nnunet_skipstudy.study.cells import CellState, State
from nnunet_skipstudy.study.cost import estimate, parts
from nnunet_skipstudy.study.locks import is_held
from nnunet_skipstudy.study.run import Opened
from nnunet_skipstudy.study.steps import STEPS


def main(argv: list[str]) -> int:
    """Print the states. Raises UserError: the study's file is at fault."""
    parser = study_parser(
        "status",
        "Show how many cells of a study are done, running, failed and waiting, and each one that runs or "
        "has failed, with times and logs. Can be asked while the study runs.",
    )
    parser.add_argument("--all", action="store_true", help="show every cell")
    parser.add_argument("--json", action="store_true", help="print every cell as an object of a list instead")
    arguments = parser.parse_args(argv)

    opened = open_file(arguments.study)
    found = opened.states()
    if arguments.json:
        cells = [
            {
                "cell": state.cell.key,
                "step": state.cell.step,
                "state": state.state.value,
                "seconds": state.seconds,  # null where it has not begun
                "share": state.share,
                "error": state.error,
                "log": str(opened.places.log(state.cell)),
            }
            for state in found
        ]
        print(json.dumps(cells, indent=1))
        return 0
    print_cells(opened, found, everything=arguments.all)
    print_cost(opened, found)
    if any(state.state is not State.DONE for state in found) and not is_held(opened.places.lock):
        print(f"next: skipstudy run {opened.file}")
    return 0


def print_cells(opened: Opened, found: list[CellState], *, everything: bool) -> None:
    """A line a cell (without ``everything``: of those that run or have failed), then the counts a step."""
    for state in found:
        if everything or state.state in (State.RUNNING, State.FAILED):
            share = f", {state.share:.0%}" if state.state is State.RUNNING and state.share else ""
            took = f" {duration(state.seconds)}{share}" if state.seconds is not None else ""
            why = f": {state.error}; log: {opened.places.log(state.cell)}" if state.error else ""
            print(f"{state.state.value:<8} {state.cell.key}{took}{why}")
    print(f"\n{'step':<9}{'cells':>7}" + "".join(f"{state.value:>9}" for state in State))
    for step in STEPS:
        own = [state.state for state in found if state.cell.step == step]
        if own:
            print(f"{step:<9}{len(own):>7}" + "".join(f"{own.count(state):>9}" for state in State))
    print(f"{'all':<9}{len(found):>7}" + "".join(f"{sum(s.state is k for s in found):>9}" for k in State))
    if is_held(opened.places.lock):
        print(f"being run: {opened.places.lock.read_text(encoding='utf-8').strip()}")


def print_cost(opened: Opened, found: list[CellState]) -> None:
    """The time that is left, and what the estimate stands on."""
    made = estimate(opened.study, opened.grid, found, opened.places)
    unit = {"cuda": "GPU hours", "mps": "GPU hours", "cpu": "hours"}[opened.study.device]
    on_device = [state for state in found if STEPS[state.cell.step].tflop]
    whole = made.hours(state.cell for state in on_device)
    left = made.hours(state.cell for state in on_device if state.state is not State.DONE)
    print(f"\nestimate: {hours(whole)} {unit} for training and prediction, of which {hours(left)} are left; from")
    for ground in made.grounds:
        print(f"  - {ground}")
    open_cells = [state.cell for state in on_device if state.state is not State.DONE]
    if divided := parts(made, open_cells, opened.study):
        print("of these are left by key of the study's file; a value that is left out there saves its own:")
        for key, own in divided.items():
            print(f"  {key}: " + ", ".join(f"{value} {hours(number)}" for value, number in own.items()))


def hours(number: float) -> str:
    """``0.0083``, ``12.5`` or ``99,800``."""
    return f"{number:,.0f}" if number >= 100 else f"{number:.3g}"


def duration(seconds: float) -> str:
    """``3 s``, ``12:05`` or ``1:02:03``."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes}:{rest:02d}" if minutes < 60 else f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"
