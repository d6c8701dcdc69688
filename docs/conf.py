"""The site: Sphinx, with Markdown pages, an executed gallery, and a reference made from the code as it is installed.

``make docs`` builds it, with warnings as errors.
"""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.append(str(HERE))

from pages import write_pages
from sphinx_gallery.sorting import FileNameSortKey

import nnunet_skipstudy

project, html_title = "nnunet_skipstudy", "skipstudy"
author = "The nnunet_skipstudy developers"
version = release = nnunet_skipstudy.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_gallery.gen_gallery", "sphinx_design"]
exclude_patterns = ["_build", "_extra", "gallery"]
html_theme = "furo"
html_extra_path = ["_extra"]
html_show_copyright = html_show_sourcelink = False
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
autodoc_typehints = "none"
napoleon_custom_sections = ["Source"]
suppress_warnings = ["config.cache"]

sphinx_gallery_conf = {
    "examples_dirs": str(HERE / "gallery"),
    "gallery_dirs": "auto_gallery",
    "within_subsection_order": FileNameSortKey,
    "filename_pattern": r"/plot_",
    "abort_on_example_error": True,
    "download_all_examples": False,
    "show_memory": False,
    "write_computation_times": False,
    "remove_config_comments": True,
}

write_pages(HERE / "made_pages")
