"""Every page of the site, in Debian's Chromium: ``make docs`` has built it."""

from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

pytestmark = pytest.mark.docs

SITE = Path(__file__).parents[2] / "docs" / "_build" / "html"
PAGES = sorted(path.relative_to(SITE).as_posix() for path in SITE.rglob("*.html"))
PHONE = {"width": 390, "height": 844}


def test_the_site_is_built() -> None:
    assert {"index.html", "tutorial.html", "demo/report.html", "made_pages/api.html"} <= set(PAGES)
    assert len([page for page in PAGES if page.startswith("auto_gallery/plot_")]) >= 5


@pytest.fixture(scope="module")
def tab(browser: Any) -> Any:
    return browser.new_page()


@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_whole(tab: Any, page: str) -> None:
    """No error in the console, no picture missing, no link into the void, nothing wider than a phone."""
    said: list[str] = []
    tab.set_viewport_size(PHONE)
    listeners = {
        "console": lambda message: said.append(message.text) if message.type == "error" else None,
        "pageerror": lambda error: said.append(str(error)),
        "request": lambda asked: None if asked.url.startswith(("file:", "data:", "blob:")) else said.append(asked.url),
    }
    for event, listener in listeners.items():
        tab.on(event, listener)
    tab.goto((SITE / page).as_uri())
    for picture in tab.locator("img:visible").all():
        picture.scroll_into_view_if_needed()
        tab.wait_for_function("picture => picture.complete", arg=picture.element_handle())
        assert picture.evaluate("picture => picture.naturalWidth"), picture.get_attribute("src")
    assert tab.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    broken = [
        link for link in tab.locator("a[href]").evaluate_all("links => links.map(a => a.href)") if not _leads(link)
    ]
    for event, listener in listeners.items():
        tab.remove_listener(event, listener)
    assert not broken
    assert not said


_IDS: dict[Path, str] = {}


def _leads(link: str) -> bool:
    """Whether a link leads to a file that is there and, within it, to a place of that name; others are not followed."""
    parts = urlsplit(link)
    if parts.scheme != "file":
        return True
    target = Path(unquote(parts.path))
    if not target.is_file():
        return False
    if target not in _IDS:
        _IDS[target] = target.read_text(encoding="utf-8", errors="replace")
    return not parts.fragment or parts.query != "" or f'id="{unquote(parts.fragment)}"' in _IDS[target]


def test_search_finds(tab: Any) -> None:
    tab.goto((SITE / "search.html").as_uri() + "?q=disparity")
    tab.wait_for_selector("#search-results li a")
    assert tab.locator("#search-results li").count() > 3
