"""Definitions of the surface metrics, by what a surface is."""

from collections.abc import Sequence

from nnunet_skipstudy.analysis.inputs.matching import Comparison
from nnunet_skipstudy.metrics import Surface

_HD = ("HD", "Hausdorff distance: the largest distance between the two surfaces. Lower is better.")

_DEFINITIONS: dict[Surface, tuple[tuple[str, str], ...]] = {
    Surface.VOXEL: (
        (
            "Surface",
            "The edge voxels (--surface voxel): the mask minus its cross-shaped erosion; beyond the image's border "
            "everything is background. The values equal MONAI's, the study's tool. A volume of one slice is measured "
            "in 2D.",
        ),
        _HD,
        (
            "HD95",
            "The larger of the two directed 95th percentiles of surface distances (as MONAI; other tools pool "
            "both directions and get smaller values). Lower is better.",
        ),
        ("ASSD", "Mean of the surface distances of both directions, pooled. Lower is better."),
        ("NSD", "Share of edge voxels within a tolerance of the other surface ({tolerances}). Higher is better."),
    ),
    Surface.SURFEL: (
        (
            "Surface",
            "Surface elements (--surface surfel; Nikolov et al. 2018): the corners between voxels around which some "
            "are inside and some outside, each weighted by the area (in 2D the length) of the surface that marching "
            "cubes lays through it. The values equal those of DeepMind's surface-distance. A volume of one slice is "
            "measured in 2D.",
        ),
        _HD,
        (
            "HD95",
            "The larger of the two directed distances within which 95 % of a surface's area lies. Lower is better.",
        ),
        (
            "ASSD",
            "Mean of the surface distances of both directions, pooled and weighted by area: the two directed means "
            "that DeepMind's package gives, weighted by the areas of the two surfaces. Lower is better.",
        ),
        ("NSD", "Share of surface area within a tolerance of the other surface ({tolerances}). Higher is better."),
    ),
}


def surface_methods(comparisons: Sequence[Comparison]) -> list[tuple[str, str]]:
    """Surface, HD, HD95, ASSD and NSD as measured, as (term, explanation)."""
    tolerances = "; ".join(
        f"{comparison.reference.dataset}: {comparison.tolerance:g} {comparison.unit}" for comparison in comparisons
    )
    surface = comparisons[0].surface if comparisons else Surface.VOXEL
    return [(term, text.replace("{tolerances}", tolerances)) for term, text in _DEFINITIONS[surface]]
