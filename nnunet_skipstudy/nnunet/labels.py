"""What the ``labels`` of a dataset.json say."""

from typing import Any

from nnunet_skipstudy.errors import UserError

Regions = dict[str, tuple[int, ...]]
"""Each label's values: one, or several for a region that joins labels."""

LARGEST = 65535
"""nnU-Net writes label maps in 8 or 16 bits."""


def named_labels(labels: Any, source: object) -> tuple[Regions, int | None]:
    """Each label's values without the background, and the value of pixels that don't count, where there is one.

    Args:
        labels: name: value, or name: list of values for a region, as in a dataset.json.
        source: what to call the file in a message.

    Raises:
        UserError: it is none of these, a value is no whole number that a label map can hold, a name is no text, or
            ``ignore`` shares its value with a label.
    """
    if not isinstance(labels, dict):
        raise _fault(source, "there are none")
    regions = {_name(name, source): _values(name, value, source) for name, value in labels.items()}
    ignore = regions.pop("ignore", None)
    if ignore is not None and (len(ignore) > 1 or any(ignore[0] in region for region in regions.values())):
        raise _fault(source, "'ignore' needs a value of its own")
    return {name: values for name, values in regions.items() if values != (0,)}, ignore[0] if ignore else None


def _name(name: str, source: object) -> str:
    try:
        name.encode()
    except UnicodeEncodeError as error:
        raise _fault(source, f"the name {name!r} is no text") from error
    if not name.strip() or name.startswith("(mean of "):  # the report's own rows
        raise _fault(source, f"the name {name!r} can't be told from the report's own words")
    return name


def _values(name: str, value: Any, source: object) -> tuple[int, ...]:
    values = tuple(_whole(one) for one in (value if isinstance(value, list | tuple) else [value]))
    found = tuple(one for one in values if one is not None)
    if not found or len(found) < len(values):
        shown = repr(value)
        raise _fault(source, f"{name!r} has the value {shown if len(shown) <= 40 else shown[:40] + '…'}")
    return found


def _whole(value: Any) -> int | None:
    """The value as a number from 0 to :data:`LARGEST`, None for all else: also for 1.9, true, and 1_0."""
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) <= len(str(LARGEST)):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= LARGEST:
        return None
    return int(value) if value == int(value) else None


def _fault(source: object, what: str) -> UserError:
    return UserError(
        f"{source}: its 'labels' can't be read ({what}); give name: value, or name: [values] for a region, "
        f"in whole numbers from 0 to {LARGEST}"
    )
