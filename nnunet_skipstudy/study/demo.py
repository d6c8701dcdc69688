"""The study in small: synthetic textures, all six networks, sized for two CPU cores and a few minutes."""

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.files import write_json
from nnunet_skipstudy.registry import ARCHITECTURES, STUDY_ARCHITECTURES, alpha_level
from nnunet_skipstudy.study import steps
from nnunet_skipstudy.study.steps import Training
from nnunet_skipstudy.trainer_name import TrainerOptions, format_trainer_name

if TYPE_CHECKING:
    from nnunet_skipstudy.analysis.pipeline import AnalysisResult
    from nnunet_skipstudy.dataset_conversion.synthetic import SyntheticOptions

DATASET_ID = 501
PLANS = "skipstudyDemoPlans"
SETTINGS_FILE = "demo.json"

# Shares of the running time, in forward and backward passes of one batch through the U-Net.
PREPARATION_COST = 150.0
PREDICTION_COST = 0.25
ANALYSIS_COST = 100.0


@dataclass(frozen=True)
class DemoSettings:
    """What decides the demo's results.

    Attributes:
        architectures: the networks to compare.
        textures: the object's and the background's. On these two noises a small image holds enough of each texture
            for texture to be what tells them apart.
        trained_on: the alphas that a network each is trained on.
        tested_on: the alphas that every network is tested on.
        size: rows and columns of an image, in pixels.
        train: training images an alpha; ``val`` and ``test`` likewise.
        epochs: of each training.
        iterations: of each epoch.
        batch_size: images an iteration.
        base_features: channels of the first stage, doubled in each deeper one up to ``max_features`` (nnU-Net: 32
            and 512).
        max_features: see above.
        seed: of data, weights and augmentation.
    """

    architectures: tuple[str, ...] = STUDY_ARCHITECTURES
    textures: tuple[str, str] = ("procedural:0.6", "procedural:0")
    trained_on: tuple[float, ...] = (0.1, 0.5)
    tested_on: tuple[float, ...] = (0.1, 0.3, 0.5, 0.7, 0.9)
    size: int = 64
    train: int = 40
    val: int = 8
    test: int = 20
    epochs: int = 3
    iterations: int = 50
    batch_size: int = 8
    base_features: int = 16
    max_features: int = 128
    seed: int = 1

    def __post_init__(self) -> None:
        unknown = [name for name in self.architectures if name not in ARCHITECTURES]
        if unknown:
            raise UserError(f"architecture {unknown[0]!r}: choose from {', '.join(ARCHITECTURES)}")
        for count in ("epochs", "iterations"):
            if getattr(self, count) < 1:
                raise UserError(f"{getattr(self, count)} {count}; give at least 1 (--{count})")
        if self.seed < 0:
            raise UserError(f"seed {self.seed}; give 0 or a positive number (--seed)")

    @property
    def options(self) -> TrainerOptions:
        """The suffixes of every trainer. As in the study, the augmentation leaves texture alone."""
        return TrainerOptions(self.epochs, self.iterations, self.seed, spatial_augmentation=True)

    @property
    def data(self) -> "SyntheticOptions":
        """The data set."""
        from nnunet_skipstudy.dataset_conversion.synthetic import SyntheticOptions

        return SyntheticOptions(
            textures=self.textures,
            dataset_id=DATASET_ID,
            alphas=self.trained_on,
            test_alphas=self.tested_on,
            size=self.size,
            train=self.train,
            val=self.val,
            test=self.test,
            seed=self.seed,
        )

    def cells(self, dataset: str) -> list[Training]:
        """One training an architecture and alpha; those of one alpha together."""
        return [
            Training(dataset, format_trainer_name(name, self.options), PLANS, steps.CONFIGURATION, fold)
            for fold in range(len(self.trained_on))
            for name in self.architectures
        ]


def run_demo(root: Path, settings: DemoSettings, *, device: str = "cpu") -> "AnalysisResult":
    """Run the demo under ``root``, or what of it is not done yet.

    Args:
        root: gets nnU-Net's folders, ``predictions``, ``analysis`` and ``logs``.
        settings: what to do.
        device: ``cpu``, ``cuda`` or ``mps``.

    Raises:
        UserError: ``root`` holds a demo of other settings, or the device is absent.
    """
    root = root.resolve()
    _claim(root, settings)
    steps.set_environment(root, small_data=True)
    steps.check_device(device)
    with _progress(settings) as progress:
        progress.say("synthetic textures, plan, preprocessing")
        with steps.output_to(root / "logs" / "prepare.log"):
            dataset = _prepare(settings)
        progress.advance(PREPARATION_COST)
        cells = settings.cells(dataset.name)
        costs = _relative_costs(cells)
        progress.expect(
            sum(_cell_cost(settings, costs[cell.trainer]) for cell in cells) + PREPARATION_COST + ANALYSIS_COST
        )
        for number, cell in enumerate(cells, 1):
            alpha = alpha_level(settings.trained_on[cell.fold])
            name = ARCHITECTURES[settings.architectures[(number - 1) % len(settings.architectures)]].title
            progress.say(f"{name} on {alpha}, model {number} of {len(cells)}")
            with steps.output_to(root / "logs" / f"{cell.trainer}_fold{cell.fold}.log"):
                _train_and_predict(root, dataset, cell, settings, device, costs[cell.trainer], progress)
        progress.say("analysis")
        with steps.output_to(root / "logs" / "analysis.log"):
            result = _analyze(root, dataset)
        progress.advance(ANALYSIS_COST)
    return result


def _claim(root: Path, settings: DemoSettings) -> None:
    record = root / SETTINGS_FILE
    wanted = json.loads(json.dumps(asdict(settings)))
    if record.is_file():
        if json.loads(record.read_text(encoding="utf-8")) != wanted:
            raise UserError(f"{root}: holds a demo of other settings ({record.name}); remove it or give another -o")
        return
    if root.is_dir() and any(root.iterdir()):
        raise UserError(f"{root}: is not empty and holds no demo; give another -o")
    write_json(record, wanted)


def _prepare(settings: DemoSettings) -> Path:
    from nnunet_skipstudy.dataset_conversion.synthetic import convert
    from nnunet_skipstudy.study.demo_planner import demo_planner

    dataset = convert(settings.data)
    planner = demo_planner(settings.base_features, settings.max_features, settings.batch_size)
    steps.plan_and_preprocess(DATASET_ID, planner, PLANS, steps.CONFIGURATION)
    return dataset


def _relative_costs(cells: Sequence[Training]) -> dict[str, float]:
    """Each trainer's forward FLOPs as a multiple of the U-Net's."""
    from nnunet_skipstudy.study.plan_costs import plan_costs
    from nnunet_skipstudy.trainer_name import parse_trainer_name

    costs = plan_costs(cells[0].dataset, PLANS, steps.CONFIGURATION)
    return {
        cell.trainer: costs[parse_trainer_name(cell.trainer).architecture].forward_flops / costs["UNet"].forward_flops
        for cell in cells
    }


def _cell_cost(settings: DemoSettings, relative: float) -> float:
    n_images = settings.test * len(settings.tested_on)
    return relative * settings.epochs * settings.iterations + PREDICTION_COST * n_images


def _train_and_predict(
    root: Path, dataset: Path, cell: Training, settings: DemoSettings, device: str, cost: float, progress: "_Progress"
) -> None:
    from nnunet_skipstudy.prediction import Predictor, TrainedModel

    trained = progress.done + cost * settings.epochs * settings.iterations
    steps.train(cell, device=device, after_iteration=lambda: progress.advance(cost))
    progress.advance(trained - progress.done)  # what was trained before this call
    predictor = Predictor(TrainedModel(cell.model_folder, cell.fold), device=device, mirroring=False)
    for alpha in settings.tested_on:
        level = alpha_level(alpha)
        output = root / "predictions" / dataset.name / cell.model_name / f"fold_{cell.fold}" / level
        predictor.predict_folder(
            dataset / f"imagesTs_{level}", output, after_case=lambda: progress.advance(PREDICTION_COST)
        )


def _analyze(root: Path, dataset: Path) -> "AnalysisResult":
    from nnunet_skipstudy.analysis.pipeline import AnalyzeOptions, analyze

    return analyze(
        AnalyzeOptions(predictions=root / "predictions", labels=dataset / "labelsTs", output=root / "analysis")
    )


class _Progress:
    """One bar over the whole demo, in units of time rather than of steps."""

    def __init__(self, total: float) -> None:
        self.done = 0.0
        self._bar: Any = tqdm(
            total=total,
            bar_format="{percentage:3.0f}%|{bar:20}| {elapsed} gone, {remaining} left: {desc}",
            smoothing=0,  # the mean rate: steps of different kinds would make a moving one jump
            mininterval=0.5 if sys.stderr.isatty() else 20,
        )

    def __enter__(self) -> "_Progress":
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    def say(self, what: str) -> None:
        self._bar.set_description_str(what, refresh=sys.stderr.isatty())

    def expect(self, total: float) -> None:
        self._bar.total = total
        self._bar.refresh()

    def advance(self, cost: float) -> None:
        self.done += cost
        self._bar.update(min(self.done, self._bar.total) - self._bar.n)


def _progress(settings: DemoSettings) -> _Progress:
    n_cells = len(settings.architectures) * len(settings.trained_on)
    return _Progress(n_cells * _cell_cost(settings, 2.5) + PREPARATION_COST + ANALYSIS_COST)
