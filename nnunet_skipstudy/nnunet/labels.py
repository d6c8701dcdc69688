"""What the ``labels`` of a dataset.json say."""

from typing import Any

from nnunet_skipstudy.errors import UserError

LARGEST = 65535
"""nnU-Net writes label maps in 8 or 16 bits."""


def named_labels(labels: Any, source: object) -> tuple[dict[str, tuple[int, ...]], int | None]:
    """Each label's values (several for a region) without the background, and the ``ignore`` label's, if there is one.

    Args:
        labels: name: value, or name: list of values, as in a dataset.json.
        source: what to call the file in a message.

    Raises:
        UserError: it is none of these, a value is no whole number that a label map can hold, a name is no text or the
            report's own, or ``ignore`` shares its value with a label.
    """

    def fault(what: str) -> UserError:
        remedy = f"give name: value, or name: [values] for a region, in whole numbers from 0 to {LARGEST}"
        return UserError(f"{source}: its 'labels' can't be read ({what}); {remedy}")

    if not isinstance(labels, dict):
        raise fault("there are none")
    regions: dict[str, tuple[int, ...]] = {}
    for name, value in labels.items():
        values = [_whole(one) for one in (value if isinstance(value, list | tuple) else [value])]
        if not values or None in values:
            raise fault(f"{name!r} has the value {repr(value)[:40]}")
        if not name.strip() or name.startswith("(mean of ") or _is_no_text(name):
            raise fault(f"the name {name!a} is no text or the report's own")
        regions[name] = tuple(one for one in values if one is not None)
    ignore = regions.pop("ignore", None)
    if ignore is not None and (len(ignore) > 1 or any(ignore[0] in region for region in regions.values())):
        raise fault("'ignore' needs a value of its own")
    return {name: values for name, values in regions.items() if values != (0,)}, ignore[0] if ignore else None


def _is_no_text(name: str) -> bool:
    return name != name.encode("utf-8", "replace").decode("utf-8")


def _whole(value: Any) -> int | None:
    """The value as a number from 0 to :data:`LARGEST`, None for all else: also for 1.9, true, and 1_0."""
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) <= len(str(LARGEST)):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= LARGEST:
        return None
    return int(value) if value == int(value) else None
