"""Attention maps in a real browser: they move with image and prediction, print, and fit a phone."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from made_up_explained import write_explained, write_gates
from made_up_study import GRID, write_study

from nnunet_skipstudy import cli
from nnunet_skipstudy.registry import LEVELS

pytestmark = pytest.mark.browser

LOOKED_AT = "p03_0"


@pytest.fixture(scope="module")
def looked_at(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report of which one case has maps."""
    root = tmp_path_factory.mktemp("gates")
    predictions, raw = write_study(
        root, n_patients=8, per_patient=1, seeds=(1,), architectures=("UNet", "AttentionUNet")
    )
    explained = write_explained(root / "explained", raw, architectures=["AttentionUNet"], seeds=[1])
    write_gates(explained / "AttentionUNet_1", [LOOKED_AT], LEVELS, (GRID, GRID + 8))
    given = ["analyze", str(predictions), "--labels", str(raw), "-o", str(root / "out"), "--no-figures"]
    assert cli.main([*given, "--explain", str(explained)]) == 0
    return root / "out" / "report.html"


@pytest.fixture
def opened(browser: Any, looked_at: Path) -> Iterator[Any]:
    """The case with maps, by its name in the menu."""
    page = browser.new_page()
    page.goto(looked_at.as_uri())
    menu = page.locator("#sweep").get_by_label("case", exact=True)
    (title,) = (title for title in menu.locator("option").all_inner_texts() if "attention" in title)
    assert title.startswith(LOOKED_AT)
    menu.select_option(label=title)
    yield page
    page.close()


def tiles(page: Any) -> list[tuple[str, str]]:
    """Each tile's picture and words."""
    found = page.locator("#sweep .tiles figure").all()
    return [(one.locator("image").get_attribute("href"), one.locator("figcaption").inner_text()) for one in found]


def test_maps_move_with_image_and_prediction(opened: Any) -> None:
    """Two gates behind their network's tile; at every level another image, map, Dice and mass."""
    slider, seen = opened.get_by_label("level", exact=True), []
    slider.focus()
    for level in LEVELS:
        found = tiles(opened)
        assert [words.split(":")[0] for _, words in found] == [
            *(f"{LOOKED_AT}, {level}", "U-Net", "Attention U-Net"),
            *("Attention U-Net, gate of skip 1", "Attention U-Net, gate of skip 2"),
        ]
        assert found[0][0] == found[1][0] == found[2][0] != found[3][0]
        seen.append(found)
        opened.keyboard.press("ArrowRight")
    for tile in (0, 3, 4):
        assert len({level[tile][0] for level in seen}) == 5
    for tile in (2, 3, 4):
        assert len({level[tile][1] for level in seen}) == 5
    assert seen[0][3][1].endswith("20\u00a0% of its weight in the reference, which is 10\u00a0% of the image")
    loaded = opened.evaluate(
        "async (uri) => { const image = new Image(); image.src = uri; await image.decode(); return image.width; }",
        seen[0][4][0],
    )
    assert loaded == (GRID + 8) // 4
    opened.locator("#sweep .tiles button").nth(3).click()
    assert "gate of skip 1" in opened.locator("dialog figcaption").inner_text()
    opened.keyboard.press("Escape")


def test_maps_can_be_taken_away(opened: Any) -> None:
    """By a tick that the address keeps; a case without maps has neither."""
    opened.get_by_role("checkbox", name="attention").uncheck()
    assert len(tiles(opened)) == 3
    assert "gates=false" in opened.url
    opened.get_by_role("checkbox", name="attention").check()
    assert len(tiles(opened)) == 5
    opened.locator("#sweep [data-networks] button", has_text="Attention U-Net").click()
    assert len(tiles(opened)) == 2
    opened.locator("#sweep [data-networks] button", has_text="Attention U-Net").click()
    opened.locator("#sweep").get_by_label("case", exact=True).select_option(index=0)
    assert len(tiles(opened)) == 3
    assert not opened.get_by_role("checkbox", name="attention").is_visible()


def test_a_slice_without_a_map_says_so(browser: Any, looked_at: Path, tmp_path: Path) -> None:
    """Of volumes one slice has a map; where another is shown, its place stays and holds none."""
    text = looked_at.read_text()
    assert text.count('"slice":0') == 2 * len(LEVELS)
    (tmp_path / "report.html").write_text(text.replace('"slice":0', '"slice":-1'))
    page = browser.new_page()
    page.goto((tmp_path / "report.html").as_uri())
    index = [
        one["case"] for one in page.evaluate("JSON.parse(document.getElementById('data').textContent).sweep.cases")
    ]
    page.locator("#sweep").get_by_label("case", exact=True).select_option(index=index.index(LOOKED_AT))
    assert [href for href, _ in tiles(page)][3:] == [None, None]
    assert page.locator("#sweep svg text").all_text_contents() == ["no map of this slice"] * 2
    page.close()


def test_maps_print_and_fit_a_phone(opened: Any) -> None:
    """Nothing scrolls sideways, and every map has its words on paper, too."""
    opened.set_viewport_size({"width": 390, "height": 844})
    assert opened.evaluate("document.documentElement.scrollWidth") <= 390
    boxes = [tile.bounding_box() for tile in opened.locator("#sweep .tiles figure").all()]
    assert all(box["x"] >= 0 and box["x"] + box["width"] <= 390 for box in boxes)
    opened.emulate_media(media="print")
    assert all(caption.is_visible() for caption in opened.locator("#sweep figcaption").all())
    assert opened.locator("#sweep svg image").nth(3).is_visible()
