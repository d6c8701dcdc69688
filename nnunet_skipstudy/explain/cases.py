"""One case at one level: every intervention's Dice, and what the network's feature maps are on average."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import Tensor

from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.explain.interventions import Images, Intervention, Part, catalogue, logits_of
from nnunet_skipstudy.explain.passes import OpenNetwork, Pass
from nnunet_skipstudy.explain.receptive_field import centre, field_sizes
from nnunet_skipstudy.explain.window import as_large_as, at_a_time, segmented, slide
from nnunet_skipstudy.metrics import dice
from nnunet_skipstudy.nnunet.prediction import Predictor

Labels = npt.NDArray[Any]
Means = dict[str, list[float]]
"""A feature map's name (``encoder 0``, ``skip 0``, ``decoder 0``; the bottleneck is the last encoder) to the mean of
each of its channels over the image."""


@dataclass(frozen=True)
class Truth:
    """A case's label map, each label's values, and the value of voxels that don't count."""

    labels: Labels
    regions: Mapping[str, tuple[int, ...]]
    ignore: int | None = None

    def dice(self, prediction: Labels) -> dict[str, float]:
        """By label; 1 where neither reference nor prediction has it."""
        counted = self.labels != self.ignore if self.ignore is not None else np.ones_like(self.labels, bool)
        found = {}
        for name, values in self.regions.items():
            value = dice(np.isin(self.labels, values) & counted, np.isin(prediction, values) & counted)
            found[name] = 1.0 if np.isnan(value) else value
        return found


@dataclass
class _Means:
    """Sums over tiles of the means of feature maps."""

    sums: dict[str, Tensor] = field(default_factory=dict)
    tiles: int = 0

    def add(self, found: Pass, network: OpenNetwork) -> None:
        self.tiles += 1
        encoder = {f"encoder {site.level}": found.maps[site] for site in found.maps if not site.below}
        maps = {
            **encoder,
            f"encoder {network.n_levels}": found.bottleneck,
            **{f"skip {level}": handed for level, handed in network.handed(found).items()},
            **{f"decoder {level}": stage for level, stage in found.stages.items()},
        }
        for name, features in maps.items():
            mean = features.float().mean(tuple(range(2, features.ndim)))[0].cpu()
            self.sums[name] = self.sums.get(name, 0) + mean

    def means(self) -> Means:
        return {name: (total / self.tiles).tolist() for name, total in self.sums.items()}


@dataclass(frozen=True)
class Found:
    """Of one case at one level: Dice by intervention and label, and the means of the level's own image."""

    scores: list[tuple[Intervention, dict[str, float]]]
    means: Means

    def as_json(self) -> dict[str, Any]:
        """For a file."""
        return {"scores": [(asdict(one), scores) for one, scores in self.scores], "means": self.means}

    @classmethod
    def of_json(cls, content: Mapping[str, Any]) -> "Found":
        """What :meth:`as_json` made."""
        scores = [
            (Intervention(one["kind"], Part(**one["part"]), one["strength"]), found) for one, found in content["scores"]
        ]
        return cls(scores, content["means"])


class Explainer:
    """A trained model, opened.

    Args:
        predictor: the model.
        kinds: which interventions, keys of :data:`~nnunet_skipstudy.registry.INTERVENTIONS`.
        strengths: by kind, instead of its own.
        seed: of noise.
    """

    def __init__(
        self, predictor: Predictor, kinds: Sequence[str], strengths: dict[str, Sequence[float]], seed: int = 0
    ) -> None:
        self.predictor = predictor
        self.network = OpenNetwork(predictor.nnunet.network)
        self._kinds, self._strengths, self._seed = kinds, strengths, seed
        self._checked = False

    def explain(
        self, case: str, reference: list[str], level: list[str] | None, other: list[str] | None, truth: Truth
    ) -> Found:
        """Try all interventions.

        Args:
            case: its name; noise depends on it.
            reference: the image's files, a channel each, at the reference level.
            level: the same at another level; None: the reference level itself, where nothing can be patched.
            other: another case's, at the level.
            truth: the case's labels.

        Raises:
            UserError: the two images become of different sizes on the way into the network, or the network can't be
                taken apart.
        """
        images, properties = self._images(case, reference, level, other)
        wanted = catalogue(self.network, self._kinds, self._strengths, shifted=level is not None)
        wanted = [one for one in wanted if one.kind != "other" or other]
        n_heads = self.predictor.nnunet.label_manager.num_segmentation_heads
        step = at_a_time(images[0], n_heads)
        scores: list[tuple[Intervention, dict[str, float]]] = []
        means = _Means()
        for start in range(0, len(wanted), step):
            some = wanted[start : start + step]
            function = self._function(case, some, level is not None, other is not None, None if start else means)
            logits = slide(self.predictor, images, n_heads * len(some), function)
            for number, one in enumerate(some):
                own = logits[number * n_heads : (number + 1) * n_heads]
                scores.append((one, truth.dice(segmented(self.predictor, own, properties))))
        return Found(scores, means.means())

    def field(self, cases: Sequence[list[str]]) -> dict[str, float]:
        """The receptive fields at the centre of the cases' images, in one patch; see :mod:`.receptive_field`."""
        nnunet = self.predictor.nnunet
        patch = nnunet.configuration_manager.patch_size
        images = [self.predictor.preprocessed(files)[0] for files in cases]
        if len(patch) == 2:
            images = [image[:, image.shape[1] // 2] for image in images]
        centred = [centre(image, patch)[None].to(nnunet.device) for image in images]
        return field_sizes(self.network.network, centred)

    def _images(
        self, case: str, reference: list[str], level: list[str] | None, other: list[str] | None
    ) -> tuple[list[Tensor], dict[str, Any]]:
        image, properties = self.predictor.preprocessed(reference)
        images = [image]
        if level is not None:
            image, at_level = self.predictor.preprocessed(level)
            if (
                at_level["bbox_used_for_cropping"] != properties["bbox_used_for_cropping"]
                or image.shape != images[0].shape
            ):
                raise UserError(
                    f"{level[0]}: nnU-Net cuts another part out of it than out of {reference[0]}, so features can't "
                    f"be patched; leave the case {case} out (--cases)"
                )
            images.append(image)
        if other is not None:
            images.append(as_large_as(images[0], self.predictor.preprocessed(other)[0]))
        return images, properties

    def _function(
        self, case: str, wanted: Sequence[Intervention], shifted: bool, others: bool, means: _Means | None
    ) -> Any:
        """What is done to a tile of all images."""

        def function(tiles: Sequence[Tensor]) -> list[Tensor]:
            if not self._checked:
                self.network.check(tiles[0])
                self._checked = True
            reference, *rest = self.network.passes(tiles)
            passes = Images(reference, rest[0] if shifted else reference, rest[-1] if others else None)
            if means is not None:
                means.add(passes.perturbed, self.network)
            found = [logits_of(self.network, one, passes, f"{self._seed} {case}") for one in wanted]
            self.network.forget()
            return found

        return function
