"""The page in a real browser: its charts, slider and tables, by mouse and by keyboard."""

from pathlib import Path
from typing import Any

import pytest
from made_up_study import EVIL

pytestmark = pytest.mark.browser

DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
INJECTION = """() => {
  const script = document.createElement("script");
  script.textContent = "window.ran = 1";
  document.body.append(script);
}"""


def column(table: Any, index: int) -> list[str]:
    """The texts of a table's column, of the rows that are shown."""
    return [row.locator("th, td").nth(index).inner_text() for row in table.locator("tbody tr:not([hidden])").all()]


def numbers(texts: list[str]) -> list[float]:
    return [float(text.split()[0].replace("−", "-")) for text in texts]


def test_charts_are_drawn(page: Any) -> None:
    """One line a network, and marks that tell their numbers."""
    for chart in ("levels", "disparity", "tradeoff"):
        assert page.locator(f"#chart-{chart} svg [data-series]").count() == 6
    for mark in page.locator("#chart-levels .mark").all()[::6]:  # no other network's line lies over it
        mark.hover()
        assert page.locator("#chart-levels .tip").count() == 1
    page.locator("#chart-levels .mark").first.hover()
    words = page.locator("#chart-levels .tip").inner_text()
    assert "No-Skip U-Net" in words
    assert "95 % interval" in words
    assert "n = 8 cases in 8 groups" in words


def test_the_chart_s_menus_change_it(page: Any) -> None:
    before = page.locator("#chart-levels svg").inner_html()
    page.locator("#chart-levels").get_by_label("metric").select_option(label="HD95")
    assert "mean HD95 (px, lower is better)" in page.locator("#chart-levels svg").inner_html()
    page.locator("#chart-levels").get_by_label("metric").select_option(label="DSC")
    assert page.locator("#chart-levels svg").inner_html() == before
    page.locator("#chart-levels").get_by_label("compared in").select_option(index=1)
    assert page.locator("#chart-levels svg").inner_html() != before


def test_the_first_screen_answers_with_its_uncertainty(page: Any) -> None:
    """One sentence with an interval and its scope, one picture, at most five findings, tests folded away."""
    words = page.locator(".answer").inner_text()
    assert "U-Net when texture shifts: from unperturbed to hardest" in words
    assert "[" in words
    assert "another seed may differ" in words
    rows = page.locator("#answer svg .row")
    assert rows.count() == 4  # V-Net is degenerate, so one pair; four levels have a change
    assert page.locator("#answer svg .zone").count() == 1
    rows.first.locator(".mark").hover()
    tip = page.locator("#answer .tip").inner_text()
    assert "U-Net minus No-Skip U-Net" in tip
    assert tip.split("hardest: ")[1].split("\n")[0] in page.locator(".answer").inner_text()
    page.locator("#answer").get_by_label("of", exact=True).select_option(index=1)
    assert rows.count() == 5
    assert 1 <= page.locator("#findings > ul > li").count() <= 5
    assert not page.locator("#findings").get_by_text("p < 0.001").first.is_visible()
    page.locator("#findings .findings summary").first.click()
    assert "change of mean DSC at hardest: −0." in page.locator("#findings .findings details").first.inner_text()
    assert page.locator("#answer").bounding_box()["y"] < 400


def test_the_address_keeps_what_is_shown(page: Any, browser: Any) -> None:
    """Metric, level, case, label and hidden networks: the same address shows the same, and the usual view has none."""
    assert "#!" not in page.url
    page.locator("#chart-levels").get_by_label("metric").select_option(label="HD95")
    page.locator("#explore [data-networks] button", has_text="UNet++").click()
    page.locator("#sweep").get_by_label("case", exact=True).select_option(index=1)
    page.locator("#sweep").get_by_label("label", exact=True).select_option(index=1)
    page.get_by_label("level", exact=True).first.press("ArrowRight")
    page.get_by_role("checkbox", name="prediction").uncheck()
    other = browser.new_page()
    other.goto(page.url)
    assert tiles(other) == tiles(page)
    for chart in ("levels", "disparity"):
        drawn = [at.locator(f"#chart-{chart} svg").inner_html() for at in (page, other)]
        assert drawn[0] == drawn[1]
    assert "HD95" in drawn[0] or "HD95" in other.locator("#chart-levels svg").inner_html()
    other.close()
    page.get_by_role("checkbox", name="prediction").check()
    page.locator("#explore [data-networks] button", has_text="UNet++").click()
    assert "prediction" not in page.url
    assert "hide" not in page.url


def test_a_label_can_be_chosen(page: Any) -> None:
    """Its outlines alone, and its own DSC."""
    whole = tiles(page)
    page.locator("#sweep").get_by_label("label", exact=True).select_option(index=1)
    one = tiles(page)
    for (_, outlines, words), (_, own, of_one) in zip(whole, one, strict=True):
        assert all(path in joined for path, joined in zip(own, outlines, strict=True))
        assert [len(path) for path in own] < [len(path) for path in outlines]
        assert words.split(":")[0] == of_one.split(":")[0]
    assert whole[1][2] != one[1][2]


def test_a_case_can_be_enlarged(page: Any) -> None:
    """By click; arrow keys move through levels and networks, Escape closes and gives the focus back."""
    dialog = page.locator("#sweep dialog")
    assert not dialog.is_visible()
    page.locator("#sweep .tiles button").nth(1).click()
    assert dialog.is_visible()
    assert dialog.locator("svg").bounding_box()["width"] > 400
    seen = [(dialog.locator("h3").inner_text(), dialog.locator("figcaption").inner_text())]
    for key in ("ArrowRight", "ArrowDown", "ArrowLeft", "ArrowUp"):
        page.keyboard.press(key)
        seen.append((dialog.locator("h3").inner_text(), dialog.locator("figcaption").inner_text()))
    assert "hardest" in seen[0][0]
    assert "harder" in seen[1][0]
    assert seen[0][1].split(":")[0] == seen[1][1].split(":")[0] != seen[2][1].split(":")[0]
    assert seen[4] == seen[0]
    page.keyboard.press("Escape")
    assert not dialog.is_visible()
    page.wait_for_function("document.activeElement.parentElement.tagName === 'FIGURE'")


def test_charts_and_tables_can_be_saved(page: Any, tmp_path: Path) -> None:
    """A chart as an SVG without the page's style and as a PNG; of a table the rows that are shown."""
    for name, start in (("SVG", b"<svg"), ("PNG", b"\x89PNG")):
        with page.expect_download() as waited:
            page.locator("#chart-levels").get_by_role("button", name=name).click()
        path = tmp_path / waited.value.suggested_filename
        waited.value.save_as(path)
        assert path.read_bytes().startswith(start)
        assert b"var(" not in path.read_bytes()
        assert path.name.startswith("DSC-over-levels")
    table = page.locator("table.data").first
    with page.expect_download() as waited:
        page.locator("#tables").get_by_role("button", name="CSV").first.click()
    waited.value.save_as(tmp_path / "table.csv")
    lines = (tmp_path / "table.csv").read_text(encoding="utf-8-sig").splitlines()
    assert len(lines) == 1 + len(column(table, 0))
    assert lines[0].startswith("network,hardest,")
    assert lines[1].split(",")[0] == column(table, 0)[0]


def test_numbers_are_rounded_as_in_the_tables(page: Any) -> None:
    """A chart's marks and the table hold the same digits, also where the sixth decimal would tell otherwise."""
    page.locator("#chart-levels .mark").first.hover()
    words = page.locator("#chart-levels .tip").inner_text().split("\n")
    table = page.locator("table.data").first
    row = next(row for row in table.locator("tbody tr").all() if row.locator("th").inner_text() == words[0])
    assert row.locator("td").first.inner_text().split()[0] == words[1].removeprefix("hardest: ")


def test_dark_pages_have_dark_charts(page: Any) -> None:
    """No white card is left, and every network's colour can be seen on the page's."""
    page.emulate_media(color_scheme="dark")
    background = "e => getComputedStyle(e).backgroundColor"
    assert page.locator("body").evaluate(background) == "rgb(21, 25, 29)"
    assert page.locator("#chart-levels .paper").evaluate(background) == "rgba(0, 0, 0, 0)"
    assert page.locator("#chart-levels text").first.evaluate("e => getComputedStyle(e).fill") == "rgb(227, 230, 233)"
    for group in page.locator("#chart-levels [data-series]").all():
        stroke = group.evaluate("e => getComputedStyle(e).stroke")
        red, green, blue = map(int, stroke.removeprefix("rgb(").removesuffix(")").split(", "))
        assert 0.3 * red + 0.59 * green + 0.11 * blue > 75
    page.emulate_media(color_scheme="light")


def test_without_scripts_figures_stand_for_the_charts(browser: Any, report: Path) -> None:
    """Each with its size, so that nothing moves while it loads; with scripts none is shown twice."""
    text = report.read_text(encoding="utf-8")
    shown = text.split("<noscript>")
    assert sum('alt="DSC over test levels' in part.split("</noscript>")[0] for part in shown[1:]) == 1
    assert all('alt="DSC over test levels' not in part.split("</noscript>")[-1] for part in shown)
    opened = browser.new_page()
    opened.goto(report.as_uri())
    for picture in opened.locator("figure img").all():
        assert int(picture.get_attribute("width")) > 100
        assert int(picture.get_attribute("height")) > 100
    opened.close()


def test_networks_can_be_hidden_and_shown(page: Any) -> None:
    """In all charts and among the pictures at once, by either row of buttons."""
    n_tiles = page.locator("#sweep .tiles figure").count()
    button = page.locator("#explore [data-networks] button", has_text="UNet++")
    button.click()
    assert button.get_attribute("aria-pressed") == "false"
    for chart in ("levels", "disparity", "tradeoff"):
        assert page.locator(f"#chart-{chart} [data-series='5']").count() == 0
        assert page.locator(f"#chart-{chart} [data-series]").count() == 5
    assert page.locator("#sweep .tiles figure").count() == n_tiles - 1
    page.locator("#sweep [data-networks] button", has_text="UNet++").click()
    assert button.get_attribute("aria-pressed") == "true"
    assert page.locator("#chart-levels [data-series]").count() == 6


def tiles(page: Any) -> list[tuple[str, list[str], str]]:
    """Each tile's picture, outlines and words."""
    return [
        (
            tile.locator("image").get_attribute("href"),
            [path.get_attribute("d") for path in tile.locator("path.outline").all()],
            tile.locator("figcaption").inner_text(),
        )
        for tile in page.locator("#sweep .tiles figure").all()
    ]


def test_the_slider_moves_the_images(page: Any) -> None:
    """By keyboard: every level has its own image; predictions and DSC follow, the reference stays."""
    slider = page.get_by_label("level", exact=True)
    slider.focus()
    seen = []
    for name in ("hardest", "harder", "unperturbed", "easier", "easiest"):
        said = page.locator("#sweep output").first.inner_text().split("\n")
        assert said[0] == name
        assert said[1].startswith("TD ")
        assert slider.get_attribute("aria-valuetext") == ", ".join(said)
        seen.append(tiles(page))
        page.keyboard.press("ArrowRight")
    assert len({level[0][0] for level in seen}) == 5
    assert all(len({picture for picture, _, _ in level}) == 1 for level in seen)
    assert len({level[0][1][0] for level in seen}) == 1
    assert seen[0][1][1] != seen[2][1][1]
    assert "DSC" in seen[0][1][2]
    assert seen[0][1][2] != seen[2][1][2]
    loaded = page.evaluate(
        "async (uri) => { const image = new Image(); image.src = uri; await image.decode(); return image.width; }",
        seen[0][0][0],
    )
    assert loaded == 72


def test_another_case_and_outlines_off(page: Any) -> None:
    before = tiles(page)
    page.locator("#sweep").get_by_label("case", exact=True).select_option(index=1)
    assert tiles(page)[0] != before[0]
    page.get_by_role("checkbox", name="prediction").uncheck()
    assert all(len(paths) == 1 for _, paths, _ in tiles(page))
    page.get_by_role("checkbox", name="reference").uncheck()
    assert all(len(paths) == 0 for _, paths, _ in tiles(page))


def test_sorting_sorts(page: Any) -> None:
    """Numbers as numbers, words as words, up and down, and by keyboard."""
    table = page.locator("table.data").first
    heading = table.locator("th", has_text="hardest")
    heading.locator("button").click()
    rising = numbers(column(table, 1))
    assert rising == sorted(rising)
    assert heading.get_attribute("aria-sort") == "ascending"
    heading.locator("button").press("Enter")
    falling = numbers(column(table, 1))
    assert falling == sorted(rising, reverse=True)
    assert falling != rising
    table.locator("th", has_text="network").locator("button").click()
    names = column(table, 0)
    assert names == sorted(names, key=str.lower)
    assert heading.get_attribute("aria-sort") is None


def test_filtering_filters(page: Any) -> None:
    page.locator("summary", has_text="Pairs of networks").first.click()
    part = page.locator("details", has=page.locator("summary", has_text="Pairs of networks")).first
    table, field = part.locator("table.data"), part.get_by_label("filter")
    n_rows = len(column(table, 0))
    field.fill("unet++ hardest")
    left = len(column(table, 0))
    assert 0 < left < n_rows
    assert all(name == "hardest" for name in column(table, 2))
    assert part.get_by_role("status").inner_text() == f"{left} of {n_rows} rows"
    field.fill("")
    assert len(column(table, 0)) == n_rows


def test_a_case_named_as_a_script_stays_text(page: Any) -> None:
    """In the title, the case menu, the marks' words and the tables; only our own two script elements exist."""
    assert EVIL in page.locator("h1").inner_text()
    options = page.locator("#sweep").get_by_label("case").locator("option").all_inner_texts()
    assert any(EVIL in option for option in options)
    page.locator("#sweep").get_by_label("case").select_option(index=[EVIL in option for option in options].index(True))
    assert any(EVIL in cell for cell in page.locator("td, th").all_inner_texts())
    assert page.locator("script").count() == 2
    assert page.evaluate("document.querySelectorAll('script[src], link[href^=http], iframe').length") == 0


def test_injected_scripts_do_not_run(browser: Any, report: Path) -> None:
    """The content security policy lets our own script run and no other."""
    opened = browser.new_page()
    opened.goto(report.as_uri())
    opened.evaluate(INJECTION)
    assert opened.evaluate("window.ran") is None
    assert opened.locator("#chart-levels svg").count() == 1
    opened.close()


def test_everything_can_be_reached_with_tab(page: Any) -> None:
    """Buttons, menus, marks, slider, headings and tables' own scrolling."""
    reached = set()
    for _ in range(400):
        page.keyboard.press("Tab")
        place = page.evaluate(
            "(() => { const e = document.activeElement; return e === document.body ? '' : "
            "e.tagName.toLowerCase() + (e.type && e.tagName === 'INPUT' ? ':' + e.type : '') + "
            "(e.classList.contains('mark') ? '.mark' : '') + (e.classList.contains('scroll') ? '.scroll' : ''); })()"
        )
        reached.add(place)
        if place == "":
            break
    assert {"a", "button", "select", "path.mark", "input:range", "input:checkbox", "div.scroll", "summary"} <= reached
    page.locator("#chart-levels .mark").first.focus()
    assert page.locator("#chart-levels .tip").count() == 1


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_the_page_fits_its_window(page: Any, size: dict[str, int], tmp_path: Path) -> None:
    """Nothing but tables and figures scrolls sideways; charts keep their words inside."""
    page.set_viewport_size(size)
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    for chart in page.locator(".paper svg").all():
        assert chart.bounding_box()["width"] <= size["width"]
    page.screenshot(path=tmp_path / "page.png", full_page=True)
    page.set_viewport_size(DESKTOP)


def test_the_page_prints(page: Any, tmp_path: Path) -> None:
    """Without its controls, on a reasonable number of pages."""
    page.emulate_media(media="print")
    assert not page.locator("#sweep .slider").first.is_visible()
    assert page.locator("#chart-levels svg").is_visible()
    swatch = page.locator("#explore [data-networks] button").first
    assert swatch.evaluate("e => getComputedStyle(e, '::before').printColorAdjust") == "exact"
    page.pdf(path=tmp_path / "report.pdf", format="A4")
    n_pages = (tmp_path / "report.pdf").read_bytes().count(b"/Type /Page\n")
    assert 3 <= n_pages <= 30
