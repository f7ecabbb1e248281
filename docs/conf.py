"""Documentation, built with ``sphinx-build -W --keep-going -b html docs docs/_build/html``."""

from focal_boost import __version__

project = "focal_boost"
author = "The focal_boost developers"
release = version = __version__

extensions = [
    "myst_nb",  # pages in Markdown, and the notebooks, through the link docs/notebooks
    "sphinx.ext.autodoc",
    "numpydoc",
    "sphinx_copybutton",
    "sphinx-mathjax-offline",  # the formulas are readable without the network
]
exclude_patterns = ["_build"]

myst_enable_extensions = ["dollarmath", "amsmath", "deflist"]
myst_heading_anchors = 3
nb_execution_mode = "off"  # the tests execute the notebooks; the pages show the stored outputs

# A name in single backticks must be one that the reference knows, in pages and in docstrings.
default_role = "py:obj"
nitpicky = True
autodoc_member_order = "bysource"
autodoc_typehints = "none"  # the types are in the numpydoc sections
numpydoc_show_class_members = False  # autodoc lists them

pygments_dark_style = "github-dark"
html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["custom.css"]
html_title = f"focal_boost {version}"
html_show_sphinx = False
html_use_index = False
html_show_copyright = False
html_show_sourcelink = False
html_copy_source = False
copybutton_exclude = ".linenos, .gp, .go"


def public_name(app, env, node, contnode):
    """Resolve a name of the package in a docstring of any of its modules."""
    domain, target = env.get_domain("py"), f"focal_boost.{node['reftarget']}"
    return domain.resolve_xref(env, node["refdoc"], app.builder, "obj", target, node, contnode)


def setup(app):
    """Connect the resolver above."""
    app.connect("missing-reference", public_name)
