"""The tables beside a data set's images, for the dictionary: what each column is that they alone have."""

DATA, PERTURBATIONS, FOLDS, DISPARITY = "cases", "perturbations", "folds", "disparity"
DUPLICATES, LEFT_OUT = "duplicates", "left_out"
OF_CASES = (DATA, PERTURBATIONS, DUPLICATES, LEFT_OUT, DISPARITY)
LISTED = (DATA, LEFT_OUT)
TEXTURES = (DATA, PERTURBATIONS, DISPARITY)
DATA_TABLES: dict[str, str] = {
    DATA: "of skipstudy convert: one row per case, of synthetic textures per case and level",
    PERTURBATIONS: "of skipstudy convert and perturb: one row per test case and level",
    FOLDS: "of skipstudy convert: one row per fold",
    DUPLICATES: "of skipstudy convert: one row per pair of near-duplicates",
    LEFT_OUT: "of skipstudy convert: one row per case that is in no set",
    DISPARITY: "of skipstudy disparity: one row per case, level and label",
}
OF_DATA: tuple[tuple[str, tuple[str, ...], str, str], ...] = (
    (
        "set",
        (*LISTED, DISPARITY),
        "text",
        "train or test, or the publisher's own; of synthetic textures train, validation or test.",
    ),
    ("source", LISTED, "text", "The file of the download that the case is made of; of synthetic textures their names."),
    ("sha256", (DATA,), "text", "The checksum of the case's image as it was written."),
    ("category", (DATA, DISPARITY), "text", "The quintile of sorted_value, hardest to easiest; empty without a TD."),
    ("stratum", (DATA,), "text", "The class, such as benign, that splits are spread over."),
    ("sorted_by", (DATA, DISPARITY), "text", "The measure that folds and categories go by: excess, or a definition."),
    ("sorted_value", (DATA,), "TD", "What the case is sorted by, in that measure."),
    ("disparity_null", TEXTURES, "TD", "The mean that the object's shape scores in its own background."),
    ("alpha", (DATA,), "share", "How much of the other texture is in the blended region."),
    ("direction", (DATA,), "text", "Which region is blended: foreground or background."),
    ("shape", (DATA,), "text", "The kind of the drawn object."),
    *(
        (f"{role}_{name}", (DATA,), unit, f"{what} of the piece of the {role}'s texture.")
        for role in ("foreground", "background")
        for name, unit, what in (
            ("row", "pixels", "The first row"),
            ("column", "pixels", "The first column"),
            ("flip_rows", "0 or 1", "Mirroring, first row last,"),
            ("flip_columns", "0 or 1", "Mirroring, first column last,"),
        )
    ),
    ("parameters", (PERTURBATIONS,), "text", "What was done to the image: KIND:PARAMETER=NUMBER, of several with '+'."),
    ("psnr_db", (PERTURBATIONS,), "dB", "Peak signal-to-noise ratio to the unperturbed image; empty where unchanged."),
    (
        *("leak", (PERTURBATIONS,), "share"),
        "Dice coefficient with the reference of the best threshold on the image's sharpness: whether the level shows "
        "where the object is.",
    ),
    ("leak_unperturbed", (PERTURBATIONS,), "share", "The same of the unperturbed image."),
    ("disparity_min", (FOLDS,), "TD", "The smallest sorted_value of the training cases."),
    ("disparity_max", (FOLDS,), "TD", "The largest."),
    ("n_train", (FOLDS,), "count", "Training cases."),
    ("n_val", (FOLDS,), "count", "Validation cases."),
    ("other", (DUPLICATES,), "text", "The other case of the pair."),
    ("distance", (DUPLICATES,), "bits", "Between the two images' hashes, 0 to 64."),
    ("correlation", (DUPLICATES,), "-1…1", "Of the two images' thumbnails."),
    ("contradiction", (DUPLICATES,), "text", "The two classes of a pair that has two, of which one is wrong."),
    ("definition", (DISPARITY,), "text", "How histograms are compared: kamath2025 or jensen_shannon."),
    ("background", (DISPARITY,), "text", "What the object is compared with: all, or a ring around it."),
    ("size_px", (DISPARITY,), "pixels", "The label's size, in the image brought to 256 x 256."),
)
