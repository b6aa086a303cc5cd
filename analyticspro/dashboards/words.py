"""The words around a page: a notebook's Markdown as HTML, none of it taken as markup."""

from __future__ import annotations

from functools import lru_cache

from markupsafe import Markup

__all__ = ["html_of"]


@lru_cache(maxsize=256)
def html_of(words: str) -> Markup:
    r"""Return Markdown as HTML; HTML in it is shown as it is written.

    >>> html_of("**Note**: <script>")
    Markup('<p><strong>Note</strong>: &lt;script&gt;</p>\n')
    """
    if not words:
        return Markup()
    import mistune

    made = mistune.create_markdown(escape=True, plugins=["table", "strikethrough", "url"])
    return Markup(made(words))
