"""Finds the sentence of a closing note that names the fix, and rates the note's documentation."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum

from Stemmer import Stemmer

from features.text.parsing import is_missing

FIX_NOT_RECORDED = "fix not recorded"
_LONGEST_NOTE = 20_000
_LONGEST_FIX = 300


class Documentation(IntEnum):
    """How well a resolution is documented, to rank incidents that are equally related."""

    MISSING = 0
    NOTE = 1
    FIX = 2


def documentation(resolution: str | None) -> Documentation:
    """Return how well a closing note documents the fix.

    >>> [documentation(note).name for note in (None, "done", "Restarted the spooler")]
    ['MISSING', 'NOTE', 'FIX']
    """
    if is_missing(resolution):
        return Documentation.MISSING
    return Documentation.NOTE if named_fix(resolution) is None else Documentation.FIX


def named_fix(resolution: str | None) -> str | None:
    """Return the sentence of a note that names the fix, None if there is none.

    The word lists cover English and common words of some European languages. A sentence in another
    alphabet counts as a fix unless it is very short.

    >>> named_fix("Analysed with the vendor. Rolled back release 4.2. User confirmed.")
    'Rolled back release 4.2.'
    >>> named_fix("closed, no response from the caller") is None
    True
    """
    sentences = list(_sentences((resolution or "")[:_LONGEST_NOTE]))
    ranks = [_rank(sentence) for sentence in sentences]
    # A sentence that says "it did not help" also discards the sentence before it.
    for index, sentence in enumerate(sentences[1:]):
        if _FUTILE.search(sentence.folded) and not ranks[index + 1]:
            ranks[index] = 0
    best_rank = max(ranks, default=0)
    return _shorten(sentences[ranks.index(best_rank)].text) if best_rank else None


@dataclass(frozen=True, slots=True)
class _Sentence:
    """A sentence without bullet and label; `is_labelled` if a label such as "Fix:" precedes it."""

    text: str
    is_labelled: bool

    @property
    def folded(self) -> str:
        """The text in the form of the word lists: lower case, no accents, no hyphen after "re"."""
        decomposed = unicodedata.normalize("NFKD", self.text.lower().replace("\u2019", "'"))
        plain = "".join(mark for mark in decomposed if not unicodedata.combining(mark))
        return _PREFIX.sub("re", plain.replace("failed over", "failover"))


def _sentences(note: str) -> Iterator[_Sentence]:
    is_labelled = False
    for piece in _SENTENCE_END.split(note):
        text = _BULLET.sub("", piece, count=1).strip()
        label = _LABEL.match(text)
        text = text[label.end() :].strip() if label else text
        is_labelled = is_labelled or label is not None
        if text:
            yield _Sentence(text, is_labelled)
            is_labelled = False


def _rank(sentence: _Sentence) -> int:
    """Return how clearly a sentence names a fix: 0 for not at all, 3 for most clearly."""
    folded = sentence.folded
    if _FUTILE.search(folded):
        return 0
    words = _WORD.findall(_UNCAUSED_CHANGE.sub(" ", folded))
    if _names_action(words):
        return 3 if sentence.is_labelled else 1 + (not _SUCCESS_WORDS.isdisjoint(words))
    content_words = [word for word in words if word not in _EMPTY_WORDS]
    has_labelled_content = sentence.is_labelled and len(content_words) >= 2
    return int(has_labelled_content or _is_other_alphabet(sentence.text))


def _names_action(words: Sequence[str]) -> bool:
    return any(
        _is_action(words, index)
        and not _is_denied(words, index)
        and not _is_paperwork(words, index)
        for index in range(len(words))
    )


def _is_action(words: Sequence[str], index: int) -> bool:
    """Return whether a word names an action, by its form and the words around it."""
    word, previous = words[index], words[index - 1] if index else ""
    if word in _NOUNS or word in _OTHER_LANGUAGES:
        return True
    if word in _PAST_TENSES or word.endswith("ed"):
        is_description = previous in _BEFORE_DESCRIPTION or (word in _STATES and previous in _BE)
        return not is_description and (word in _PAST_TENSES or _stem(word) in _VERBS)
    is_verb = _is_means(words, index) if word.endswith("ing") else _is_command(words, index)
    return is_verb and _stem(word) in _VERBS


def _is_command(words: Sequence[str], index: int) -> bool:
    """Return whether a verb is a command.

    A command is the first word, or follows "please", or follows "to" after a word of advice, as in
    "advised user to restart".
    """
    if index and words[index - 1] == "to":
        return not _ADVICE_WORDS.isdisjoint(words[:index])
    return index == 0 or words[index - 1] == "please"


def _is_means(words: Sequence[str], index: int) -> bool:
    """Return whether a word in -ing names a means, as in "by clearing the cache"."""
    preceding = set(words[:index])
    if not preceding:
        return not _SUCCESS_WORDS.isdisjoint(words)
    previous = words[index - 1]
    return previous in _BY or (previous == "and" and not _BY.isdisjoint(preceding))


def _is_denied(words: Sequence[str], index: int) -> bool:
    """Return whether the words before an action say that it was not done, or not yet."""
    is_infinitive = index and words[index - 1] == "to"
    start = 0 if is_infinitive else max(0, index - 3)
    return any(word in _DENIALS for word in words[start:index])


def _is_paperwork(words: Sequence[str], index: int) -> bool:
    """Return whether an action was done to the incident's record, not to the faulty system."""
    if words[index] == "assigned":
        return not _RIGHTS.intersection(words)
    nearby = words[max(0, index - 4) : index + 5]
    return words[index] in _PAPERWORK_VERBS and not _PAPERWORK.isdisjoint(nearby)


def _is_other_alphabet(text: str) -> bool:
    letters = [mark for mark in text if mark.isalpha()]
    return len(letters) >= 6 and sum(mark > "\u0370" for mark in letters) > len(letters) / 2


def _shorten(text: str) -> str:
    if len(text) <= _LONGEST_FIX:
        return text
    return f"{text[:_LONGEST_FIX].rsplit(maxsplit=1)[0]} \u2026"


def _stem(word: str) -> str:
    return str(Stemmer("english", 0).stemWord(word))


def _words(words: str) -> frozenset[str]:
    return frozenset(words.split())


_SENTENCE_END = re.compile(r"\n+|(?<=[.!?])(?<![ .(][a-zA-Z]\.)[ \t]+")
_BULLET = re.compile(r"[\s>*\u2022\u2013#-]*(?:\(?\d{1,2}[.)](?:\s|$))?\s*")
_LABEL = re.compile(
    r"(?:the )?(?:resolution|solution|fix(?: applied)?|actions?(?: taken| performed)?|remedy"
    r"|workaround|steps taken|corrective actions?|resolved by|fixed by|solved by|l\u00f6sung"
    r"|ma\u00dfnahmen?|behebung|soluci\u00f3n|solu\u00e7\u00e3o|r\u00e9solution)"
    r"(?: notes?| code| details| steps)?\s*[:=\u2013-]\s*",
    re.IGNORECASE,
)
_WORD = re.compile(r"[^\W\d_]+(?:'t)?")
_PREFIX = re.compile(r"\bre-(?=[a-z])")
_FUTILE = re.compile(
    r"\b(?:(?:did ?n[o']t|didnt|does ?n[o']t|doesnt|has ?n[o']t|hasnt) (?:\w+ ){0,2}"
    r"(?:help|helped|work|worked|fix|fixed|solve|solved|resolve|resolved)"
    r"|(?:no|without|without any) (?:effect|success|luck|improvement|avail|change)"
    r"|(?:problem|issue|error) (?:still )?(?:persists?|remains?)"
    r"|ohne erfolg|hat nicht geholfen|half nicht)\b"
)
_UNCAUSED_CHANGE = re.compile(
    r"\b(?:alerts?|alarms?|events?|errors?|warnings?|issues?|problems?|incidents?|conditions?"
    r"|services?|connections?|connectivity|links?|circuits?|power|access|sites?|systems?|it|traffic"
    r"|outages?|impact|self|auto)[ -](?:\w{1,12} ){0,3}"
    r"(?:cleared|recovered|restored|resumed|stopped|healed|ended)\b"
    r"|\b\w{1,20} (?:automatically|by itself|by themselves|on its own|itself)\b"
    r"|\b(?:started|stopped) (?:to|\w{1,20}ing)\b"
    r"|\b(?:increased?|reduced?) (?:[\w%]{1,20} ){0,3}"
    r"(?:errors?|latency|rates?|loss|bandwidth|availability|impact|traffic)\b"
)

# These count in the past tense, as a command, and in -ing after a word such as "by".
_VERBS = frozenset(
    _stem(verb)
    for verb in _words(
        """
        activate add adjust allocate allow allowlist amend apply archive blacklist block
        bounce bypass cancel change clean cleanse clear configure connect convert copy
        correct create cycle deactivate defragment delete deploy disable disconnect
        downgrade drain eject empty enable enlarge enroll evict exchange expand extend
        failover flush force format free grant hotfix implement import increase insert
        install isolate kill lower migrate modify mount move optimise optimize patch permit
        plug prune purge quarantine raise reactivate reapply reattach rebalance reboot
        rebuild recable recalculate recompile reconfigure reconnect recover recreate recycle
        redeploy redirect reduce reenable refresh regenerate register reimage reimport
        reindex reinsert reinstall reissue reload relocate remap remount remove rename renew
        repair replace reprocess republish reroute reseat resize restart restore resubmit
        resume resync resynchronise resynchronize revert revoke rollback rotate scale
        shorten shrink suppress swap switch sync synchronise synchronize terminate tighten
        toggle trim truncate tune unblock uninstall unlock unmount unplug upgrade upload
        vacuum whitelist wipe
        """
    )
)
_PAST_TENSES = _words(
    """
    assigned bought ended fitted issued limited loaded mapped ordered ran rebuilt redid redone
    released reran resent reset rewrote rolled scanned set shut split started stopped turned
    undid updated
    """
)
_NOUNS = _words("reboot restart reset rollback reinstall reinstallation replacement failover")
_OTHER_LANGUAGES = _words(
    """
    aktiviert aktualisiert angelegt angepasst ausgetauscht austausch bereinigt deaktiviert
    deinstalliert eingerichtet eingespielt entfernt entsperrt erhoht erneuert ersetzt
    erweitert freigegeben freigeschaltet geandert geleert geloscht gestartet getauscht
    hinzugefugt installiert konfiguriert korrigiert neugestartet neuinstalliert neustart
    repariert umgestellt verlangert wiederhergestellt zuruckgesetzt zugewiesen ajoute augmente
    corrige debloque desactive deverrouille installe modifie redemarrage redemarre
    reinitialise reinstalle relance remplace restaure supprime actualizado agregado ampliado
    anadido cambiado corregido desbloqueado eliminado liberado reemplazado reiniciado reinicio
    reinstalado restablecido sustituido adicionado alterado atualizado corrigido redefinida
    removido substituido trocado aggiornato riavviato sostituito
    """
)
_BY = _words("after by through via")
_ADVICE_WORDS = _words("advised caller customer guided helped instructed user")
_SUCCESS_WORDS = _words("fixed helped mitigated resolved solved worked behoben gelost")
_BEFORE_DESCRIPTION = _words(
    """
    a an any experienced experiencing had live newly observed of our recently saw seeing some
    that the their which who with
    """
)
_DENIALS = _words(
    """
    asked asks attempted attempting await awaiting be before can cannot can't could couldn't
    didn't doesn't failed if may might must need needs never no nor not nothing pending
    requested requests shall should subject tried trying unable unless until waiting want
    wanted wants will without won't would kein keine keinen nicht muss soll wird werden pas
    sin sans
    """
)
_STATES = _words("blocked connected disabled disconnected isolated limited loaded stopped")
_BE = _words("am are be been being becomes gets got is keeps was were")
_PAPERWORK_VERBS = _words(
    """
    added adjusted cancelled canceled change changed copied created extended issued lowered
    moved ordered raised released reset scheduled set started stopped updated
    """
)
_PAPERWORK = _words(
    """
    ticket tickets incident incidents case cases request call task status state priority
    severity record comment comments note notes worknotes attachment screenshot meeting
    appointment queue kb article reminder impact investigation
    """
)
_RIGHTS = _words(
    """
    access address group ip licence license permission permissions policy port profile right
    rights role roles vlan
    """
)
_EMPTY_WORDS = _words(
    """
    a an and as at by caller case closed closing code completed confirmed customer done
    duplicate end fix fixed for from has hence his in incident is issue it na no none not now
    of ok on per problem request resolved resolution response see solved the this ticket time
    to user via was with work working works worknotes notes yes successful successfully thanks
    """
)
