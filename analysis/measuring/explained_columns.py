"""The tables of why networks fail, for the dictionary: what each column is that they alone have."""

EXPLAIN, SUSCEPTIBILITY, FIELD, SHARES = "explain", "susceptibility", "receptive_field", "shares"
ATTENTION = "attention"
OF_FOLDS = (EXPLAIN, SUSCEPTIBILITY, FIELD, ATTENTION)
"""Written by ``skipstudy explain``, a folder a fold."""
EXPLAINED = (*OF_FOLDS, SHARES)
WHY: tuple[tuple[str, tuple[str, ...], str, str], ...] = (
    (
        *("intervention", (EXPLAIN, SHARES), "text"),
        "none (the plain prediction), patch (the reference level's features in the level's pass), reverse (the level's "
        "in the reference level's pass), scale, zero, noise, other.",
    ),
    (
        *("part", (EXPLAIN, SUSCEPTIBILITY, SHARES), "text"),
        "Where: skip, all (skips), all_but (the skip of the depth), decoder (what comes up to the depth's level from "
        "below), bottleneck; in susceptibility.csv encoder, skip or decoder.",
    ),
    (
        "depth",
        (EXPLAIN, SUSCEPTIBILITY, SHARES, ATTENTION),
        "count",
        "The level of the network, 0 = full resolution; empty where there is none.",
    ),
    ("strength", (EXPLAIN,), "number", "Of scale, 1 (as it is) … 0 (the mean); of noise, in standard deviations."),
    ("dsc_level", (EXPLAIN,), "share", "DSC of the plain prediction at the level."),
    ("dsc_reference", (EXPLAIN,), "share", "DSC of the plain prediction at the reference level."),
    (
        *("share", (EXPLAIN,), "ratio"),
        "Of patch (dsc - dsc_level) / (dsc_reference - dsc_level), of reverse (dsc_reference - dsc) / the same; empty "
        "where that loss is below 0.05.",
    ),
    (
        "picture",
        (ATTENTION,),
        "text",
        "The gate's weights as a picture on the image's grid, black for 0, beside the table.",
    ),
    ("slice", (ATTENTION,), "count", "Which slice the picture shows, from 0: the one with most of the object."),
    ("mass_in_object", (ATTENTION,), "share", "Of all weight of the level's attention gate, what lies in the object."),
    ("object_share", (ATTENTION,), "share", "The object's share of the image: the mass that even weights would have."),
    ("drop", (SHARES,), "share", "Mean DSC at the reference level minus that at the level: the loss."),
    ("drop_low", (SHARES,), "share", "Lower end of its 95 % interval; where that is not above 0, no share is given."),
    ("drop_high", (SHARES,), "share", "Upper end of its 95 % interval."),
    ("n_channels", (SUSCEPTIBILITY,), "count", "Channels that the distances are averaged over."),
    (
        *("hellinger", (SUSCEPTIBILITY, SHARES), "0…1"),
        "Hellinger distance of the histograms over cases of channels' mean activations, level against reference level; "
        "as many bins of equal width as the square root of the cases, at least 4.",
    ),
    ("hellinger_chance", (SUSCEPTIBILITY, SHARES), "0…1", "The same where each case's two values change sides by lot."),
    (
        *("effective_voxels", (FIELD,), "voxels"),
        "Where the centre voxel's margin has a gradient of at least 4.55 % of the largest, mean over cases.",
    ),
    ("theoretical_voxels", (FIELD,), "voxels", "Where it could have one through convolutions, within one patch."),
    ("field_share", (FIELD,), "share", "effective_voxels by theoretical_voxels."),
    ("wasserstein", (SUSCEPTIBILITY, SHARES), "0…2", "Wasserstein distance, in standard deviations of both together."),
)
