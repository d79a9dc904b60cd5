"""Removes HTML from texts: mail clients and portals write tickets in it."""

import html
import re

_NAMES = (
    "a|b|blockquote|body|br|center|code|col|colgroup|dd|div|dl|dt|em|font|form|h[1-6]|head|hr|html"
    "|i|img|input|label|li|link|meta|o:p|ol|p|pre|s|section|small|span|strong|sub|sup|table|tbody"
    "|td|tfoot|th|thead|title|tr|u|ul"
)
# A tag whose name HTML has may go over several lines, and hold a whole image.
_TAG = rf"</?(?:{_NAMES})(?:\s[^<>]*)?/?>"
_HTML = re.compile(_TAG, re.IGNORECASE)
_MARKUP = re.compile(
    rf"\[(?:cid|image):[^\]\s]{{1,200}}\]|{_TAG}|</?[a-zA-Z][^<>\n]{{0,200}}>"
    r"|<(?:!(?:doctype|\[(?:if|endif))|\?xml)[^<>]{0,200}>",
    re.IGNORECASE,
)
_HIDDEN = re.compile(r"<(!--|style|script)(?=[^a-zA-Z])", re.IGNORECASE)
_ENDS = {
    "!--": re.compile("-->"),
    "style": re.compile(r"</style\s*>", re.IGNORECASE),
    "script": re.compile(r"</script\s*>", re.IGNORECASE),
}
_CHARACTER = re.compile(r"&(?:[a-zA-Z]{2,8}|#\d{1,7}|#[xX][0-9a-fA-F]{1,6});")


def drop_markup(text: str) -> str:
    """Remove HTML and the image placeholders that mail clients insert; decode character names.

    >>> drop_markup("<p>The printer <b>stopped</b> &amp; beeps</p><style>p {margin: 0}</style>")
    ' The printer  stopped  & beeps  '
    """
    if "<" in text:
        text = _drop_hidden(text)
    if "<" in text or "[" in text:
        text = _MARKUP.sub(" ", text)
    if "&" not in text:
        return text
    decoded = _CHARACTER.sub(lambda name: html.unescape(name[0]).replace("\xa0", " "), text)
    # Some systems export HTML whose brackets are written as names.
    return _HTML.sub(" ", _drop_hidden(decoded)) if "&lt;" in text else decoded


def _drop_hidden(text: str) -> str:
    """Remove comments, styles and scripts; what is never closed stays."""
    parts: list[str] = []
    place = 0
    # Not looked for again: many parts that are never closed would take a time that is quadratic.
    unclosed: set[str] = set()
    for begin in _HIDDEN.finditer(text):
        kind = begin[1].lower()
        if begin.start() < place or kind in unclosed:
            continue
        end = _ENDS[kind].search(text, begin.end())
        if end is None:
            unclosed.add(kind)
            continue
        parts.append(text[place : begin.start()])
        place = end.end()
    return " ".join([*parts, text[place:]]) if parts else text
