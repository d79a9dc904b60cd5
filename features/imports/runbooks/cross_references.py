"""Recognises texts that only lead elsewhere: contents, lists of links and cross references."""

import re

from features.imports.runbooks.inline import InlineText

_ADDRESS = re.compile(r"<?https?://\S+")
_WIKI_LINK = re.compile(r"\[\[[^\[\]\n]{1,200}\]\]")
_WORD = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)?")
_WORDS = """
a about above additional after all also an and are article at available background before below by
can check content context description detail detailed details doc docs document documentation e eg
etc example examples explained external for found full further g general guide had has have here
how i ie in info information instructions internal is issue it its link links list look manual
more of official on or original other our overview page pages part please plus postmortem
postmortems previous read reading refer reference references related relevant same section
sections see similar site slack some source sources specific that the their these this those
ticket to too top toc under upstream us via view we website which wiki with you your back next
siehe auch mehr weitere weiterführende infos informationen unter dazu hier zu zum zur und oder die
der das den dokumentation quelle verweis link voir aussi plus d'informations de la le les et ou
documentation véase ver también más información y o el los las en consulte vedi anche zie ook
zobacz też także см также смотрите подробнее se även også bkz viz také katso
myös
"""
# A link among only these words is a cross reference; a verb such as "follow" makes it a step.
_LINKING_WORDS = frozenset(_WORDS.split())
_ENTRY = re.compile(r"^\s*[-\u2013\u2014:]")
_HEADINGS = re.compile(
    r"(?:table of )?contents?|toc|on this page|index|references?|see also|further reading|read more"
    r"|(?:useful |related |external |quick |other |additional |more |relevant |important )?"
    r"(?:links?|resources?|documents?|documentation|docs|references|reading|runbooks|alerts"
    r"|articles|information|issues|incidents|pages)"
    r"|related(?: \w+){0,3}|sources?|changelog|change log|change history|revision history|history"
    r"|inhalt|inhaltsverzeichnis|siehe auch|verweise|quellen|weiterführende (?:links|informationen)"
    r"|verwandte(?: \w+){1,2}|sommaire|table des matières|voir aussi|liens(?: utiles)?|références"
    r"|índice|contenido|véase también|ver también|enlaces(?: \w+)?"
    r"|referencias|referências|conteúdo|veja também|ver também|ligações|vedi anche|riferimenti"
    r"|collegamenti|indice|zie ook|verwijzingen|inhoud(?:sopgave)?|bronnen|zobacz też|zobacz także"
    r"|odnośniki|linki|spis treści|ссылки|полезные ссылки|см\. также|смотрите также|см\.? ?также"
    r"|содержание|оглавление|источники|посилання|зміст|se även|se også|länkar|lenker|referenser"
    r"|referanser|innehåll|indhold|innhold|ayr\u0131ca bak\u0131n\u0131z|bağlant\u0131lar"
    r"|kaynaklar|kaynakça|içindekiler"
    r"|viz také|odkazy|obsah|katso myös|linkit|sisällys|lásd még|hivatkozások|tartalom"
    r"|参考(?:資料|情報|リンク|资料|链接)?|関連(?:リンク|資料|情報|ページ|ドキュメント)?|目次|リンク|参照"
    r"|另请参阅|参见|相关链接|目录|相關連結|目錄|參考資料|참고(?: 자료)?|관련 링크|목차|링크",
    re.IGNORECASE,
)
_NO_REFERENCE = frozenset(("alerts", "runbooks", "issues", "incidents", "pages", "documents"))


def is_cross_reference(inline: InlineText) -> bool:
    """Return whether a text says nothing beside its links, or is an entry of the page's contents.

    >>> is_cross_reference(InlineText("See Sizing.", "See .", targets=("sizing.md",)))
    True
    >>> is_cross_reference(InlineText("Follow Sizing.", "Follow .", targets=("sizing.md",)))
    False
    """
    text = _WIKI_LINK.sub(" ", _ADDRESS.sub(" ", inline.linkless))
    if not inline.targets and text == inline.linkless:
        return False
    words = {word.lower() for word in _WORD.findall(text)}
    if words <= _LINKING_WORDS:
        return True
    starts_with_link = bool(inline.kinds) and inline.kinds[0] == "link_open"
    is_on_page = bool(inline.targets) and inline.targets[0].startswith("#")
    return starts_with_link and is_on_page and _ENTRY.match(inline.linkless) is not None


def leads_elsewhere(heading: str) -> bool:
    """Return whether a heading announces contents, links or references.

    >>> [leads_elsewhere(heading) for heading in ("References", "See also:", "Reference data")]
    [True, True, False]
    """
    bare = re.sub(r"^[\W\d_]+|[\W_]+$", "", heading)
    return bare.lower() not in _NO_REFERENCE and _HEADINGS.fullmatch(bare) is not None
