"""The words of the page: a name for each term of the models, and one line that explains the term.

Many readers of the page have not read the documents. Templates and views do not write terms such as
`auto` or `macro_f1`; they take the wording of each term from this module.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from models.lifecycle.champion_audit import GainRecord


@dataclass(frozen=True, slots=True)
class Wording:
    """A term in plain words: its `name` on the page, and one line that says what it means."""

    name: str
    meaning: str


AUDIT_SAMPLE = Wording(
    "audit sample",
    "This answer was drawn at random to check the model. It stays hidden until a person has "
    "decided without seeing it.",
)
_FIELD = "The value of this field, as in your past incidents."
_KAPPA = Wording(
    "agreement of levels (kappa)",
    "Agreement with the right level beyond chance; larger errors count more; 1 is best.",
)
_URL = re.compile(r"[\s_-]*url$", re.IGNORECASE)
_SHADOW = "shadow version "

VOCABULARIES: Mapping[str, Mapping[str, Wording]] = {
    "decision": {
        "auto": Wording("proven", "Proven right often enough to act on without asking a person."),
        "suggest": Wording("suggestion", "Likely, but a person decides whether it is right."),
        "abstain": Wording("not sure", "Not sure enough: this is a guess, do not rely on it."),
    },
    "mode": {
        "off": Wording("off", "The model is not used."),
        "monitor": Wording(
            "for comparison only",
            "Nothing acts on this answer; it is compared with what people decide.",
        ),
        "recommend": Wording("shown to people", "People see this answer; nothing acts on it."),
        "auto": Wording(
            "may act alone", "A proven answer is acted on without a person; others are shown."
        ),
    },
    "target": {
        "category": Wording("Category", "What kind of issue it is."),
        "assignment": Wording("Assignment", "The team that should work on it."),
        "severity": Wording("Severity", "How serious it is."),
        "similar": Wording("Similar incidents", "Past incidents about the same issue."),
        "runbooks": Wording("Runbooks", "The runbooks that probably apply."),
        "novelty": Wording("Novelty", "How usual a report is among past incidents."),
        "resolution": Wording(
            "Time to resolve", "How long it will take, and whether its target time will be missed."
        ),
    },
    "kind": {
        "novelty": Wording(
            "recognises unusual reports",
            "Says how usual a report is among the incidents that the models learned from. The "
            "other models abstain, or act on nothing alone, where a report is unusual.",
        ),
        "resolution": Wording(
            "foresees the time to resolve",
            "Says from what is known at opening in how many hours an incident will be resolved, "
            "and how likely it misses its target time or is reassigned. Nothing acts on it.",
        ),
        "choice": Wording(
            "picks one label",
            "Names the likeliest label of an incident from what is known when it opens, with the "
            "probability that this label is right.",
        ),
        "severity": Wording(
            "picks a level",
            "Names the level of an incident from what is known when it opens: the one with the "
            "least expected cost. Rating an incident too low may cost more than rating it too "
            "high.",
        ),
        "similar": Wording(
            "finds similar incidents",
            "Finds the past incidents that are probably about the same issue, and what fixed them.",
        ),
        "runbook": Wording(
            "finds runbooks", "Finds the runbooks that probably apply to an incident."
        ),
        "anomaly": Wording(
            "finds anomalies",
            "Finds where a metric series differs from what its past values predict.",
        ),
    },
    "role": {
        "champion": Wording("champion", "The version that answers now."),
        "challenger": Wording(
            "challenger",
            "A version being evaluated: it answers the same incidents, but nobody sees or uses its "
            "answers.",
        ),
        "unused": Wording("not in use", "A version that is not used now."),
    },
    "verdict": {
        "promoted": Wording(
            "promoted", "It did well enough in the comparisons to become champion."
        ),
        "not promoted": Wording(
            "not promoted", "The comparisons did not show that it should become champion."
        ),
    },
    "source": {
        "echo": Wording(
            "our own answer",
            "The incident was closed with our own answer and nobody checked it: models never learn "
            "from this label.",
        ),
        "accepted": Wording("accepted", "A person saw our answer and agreed with it."),
        "outcome": Wording(
            "final state",
            "The incident was closed with this label, and we had shown no answer that was more "
            "than a guess.",
        ),
        "replaced": Wording(
            "changed", "The incident was closed with a label other than our answer."
        ),
        "corrected": Wording("corrected", "A person named this label."),
        "audited": Wording("decided independently", "A person decided without seeing our answer."),
    },
    "action": {
        "accept": Wording("accepted", "The answer is right."),
        "correct": Wording("corrected", "Another label is right."),
        "dismiss": Wording("dismissed", "The answer is of no use here."),
    },
    "event": {
        "train": Wording("trained", "A version was trained."),
        "promote": Wording("promoted", "A version became champion."),
        "refuse": Wording("not promoted", "A version was trained, and the champion was kept."),
        "rollback": Wording("brought back", "An earlier champion answers again (rollback)."),
        "mode": Wording("allowed use changed", "What may be done with answers was changed."),
        "withdraw": Wording(
            "certificate withdrawn", "Checked answers were right less often than promised."
        ),
        "suspend": Wording(
            "suspended", "The champion abstains: one label for every incident was right more often."
        ),
        "resume": Wording("suspension lifted", "The version may answer again."),
        "label rates": Wording(
            "label rates changed",
            "Answers are corrected to how often labels occur lately, until the next version.",
        ),
        "reveal": Wording(
            "answer revealed",
            "A person needed to see an answer of the audit sample; it no longer counts there.",
        ),
        "revoke routine": Wording(
            "routine revoked", "What a watched series does again and again is flagged again."
        ),
        "restore routine": Wording(
            "revocation taken back", "The watch may learn the routine again."
        ),
        "retrain": Wording("retraining", "Models were retrained on the stored incidents."),
        "found": Wording(
            "noticed in the registry",
            "The champion was changed in the registry; the log tells only when this was noticed.",
        ),
    },
    "alarm": {
        "certificate": Wording(
            "Precision not kept", "Answers with a proven label are right less often than stated."
        ),
        "errors": Wording("Overconfident", "Answers are wrong more often than they state."),
        "baseline": Wording(
            "Suspended", "One label for every incident would have been right more often."
        ),
        "label": Wording("Labels changed", "A label is new or far more frequent than before."),
        "service": Wording("Services changed", "A service is new or far more frequent."),
        "source": Wording("Sources changed", "A source is new or far more frequent."),
        "text": Wording("New kind of incident", "There are texts unlike any earlier ones."),
    },
    "proposal": {
        "new category": Wording("add a label", "These incidents are alike and fit no label well."),
        "retired": Wording("retire a label", "This label has hardly been used lately."),
        "renamed": Wording("merge a renamed label", "It began with the texts of one that ended."),
    },
    "method": {
        "neighbours": Wording(
            "nearest incidents",
            "There are few labels, so the label is taken from the nearest past incidents.",
        ),
        "linear": Wording(
            "simple models",
            "Linear models and the nearest past incidents answer; with more labels, more methods "
            "are used.",
        ),
        "full": Wording("full method", "There are enough labels for every part of the method."),
    },
    "provenance": {
        "opening": Wording("when the incident opened", "Its value was known from the start."),
        "edited": Wording("changed later", "Its value was changed after the incident opened."),
        "unknown": Wording("unknown", "It is not known when its value was written."),
    },
    "slice": {
        "class": Wording("label", "Incidents with this label."),
        "service": Wording("service", "Incidents of this service."),
        "source": Wording("source", "Incidents from this source."),
        "language": Wording("language", "Incidents written in this language."),
        "length": Wording("text length", "Incidents with a text of this length."),
    },
    "channel": {
        "level": Wording("level", "It is far from its recent level."),
        "time of day": Wording("time of day", "It is unusual for this time of day."),
        "step": Wording("step", "It jumped from one point to the next."),
        "burst": Wording("burst", "Its last few minutes differ from its last two hours."),
        "trend": Wording("trend", "It has been off its usual values for hours."),
        "forecast": Wording("forecast", "It is far from what was forecast."),
        "hour of week": Wording("hour of the week", "It is unusual for this hour of the week."),
        "gap": Wording("gap", "Its values stopped."),
        "frozen": Wording("frozen", "Its values repeat exactly, which they do not usually do."),
    },
    "metric": {
        "accuracy": Wording("accuracy", "Share of incidents whose predicted label is right."),
        "macro_f1": Wording(
            "F1 over labels", "Mean F1 over labels, each with equal weight; 1 is best."
        ),
        "log_loss": Wording(
            "log loss", "How far the stated probabilities are from the truth; 0 is best."
        ),
        "log loss saved": Wording(
            "log loss saved", "How much lower the log loss is than that of the baseline."
        ),
        "ece": Wording(
            "calibration error", "How far confidence is from the share that is right; 0 is best."
        ),
        "coverage_at_92": Wording(
            "answerable at 92%",
            "Largest share of incidents, taken from the most confident down, whose answers are at "
            "least 92% right.",
        ),
        "quadratic_kappa": _KAPPA,
        "quadratic kappa": _KAPPA,
        "set coverage": Wording(
            "right label in the set",
            "Share of incidents whose right label is in the set of possible labels.",
        ),
        "mean set size": Wording(
            "number of possible labels", "Mean number of labels in the set of possible labels."
        ),
        "lowest class coverage": Wording(
            "right label in the set, worst label",
            "The lowest share of a label, among labels with at least 50 incidents.",
        ),
        "recall_at_1": Wording(
            "found first",
            "Of the incidents that have a right entry, the share for which the first entry is "
            "right.",
        ),
        "recall_at_5": Wording(
            "found among 5",
            "Of the incidents that have a right entry, the share for which one of the first 5 is "
            "right.",
        ),
        "recall_at_10": Wording(
            "found among 10",
            "Of the incidents that have a right entry, the share for which one of the first 10 is "
            "right.",
        ),
        "p_value_at_most_0.01": Wording(
            "called novel",
            "The share of held-out incidents with a novelty p-value of at most 0.01.",
        ),
        "p_value_at_most_0.05": Wording(
            "p-value at most 0.05",
            "The share of held-out incidents with a novelty p-value of at most 0.05.",
        ),
        "p_value_at_most_0.1": Wording(
            "p-value at most 0.1",
            "The share of held-out incidents with a novelty p-value of at most 0.1.",
        ),
        "interval_coverage": Wording(
            "within the interval",
            "Share of incidents resolved within the interval that holds 8 in 10; 0.8 is best.",
        ),
        "pinball_loss": Wording(
            "error of the hours",
            "How far the three stated times are from the truth, by their ratio; 0 is best.",
        ),
        "breach_roc_auc": Wording(
            "missed targets ranked",
            "The chance that an incident that missed its target had the higher risk; 1 is best.",
        ),
        "breach_log_loss": Wording(
            "log loss of missed targets", "How far the stated risks are from the truth; 0 is best."
        ),
        "reassignment_roc_auc": Wording(
            "reassignments ranked",
            "The chance that an incident that was reassigned had the higher risk; 1 is best.",
        ),
        "reassignment_log_loss": Wording(
            "log loss of reassignments", "How far the stated risks are from the truth; 0 is best."
        ),
        "shown_precision": Wording(
            "first entry right", "Of the first entries that are shown, the share that is right."
        ),
        "shown_share": Wording(
            "anything shown",
            "Share of searches in which the first entry is likely enough to be shown; for similar "
            "incidents, only searches that have a right entry count.",
        ),
        "precision": Wording("precision", "Share of the answers with this label that are right."),
        "recall": Wording("recall", "Share of the incidents of this label that are found."),
    },
    "author": {
        "person": Wording("a person", "A person wrote it on this page or through the API."),
        "source": Wording("the source", "The system that sends the incident wrote it."),
        "precedent": Wording("Precedent", "This service wrote it by itself."),
    },
    "status": {
        "open": Wording("open", "Nobody has said that it ended."),
        "stale": Wording(
            "stale",
            "Nothing was heard of its alerts for too long. It stays open, because nobody has said "
            "that it ended.",
        ),
        "resolved": Wording("resolved", "It ended."),
    },
    "link": {
        "generatorURL": Wording("Graph of the alert", "The expression behind the alert."),
        "runbook_url": Wording("Runbook", "The runbook that the alert names."),
        "dashboardURL": Wording("Dashboard", "The dashboard of the alert."),
        "dashboard_url": Wording("Dashboard", "The dashboard that the alert names."),
        "panelURL": Wording("Panel", "The panel of the alert."),
        "silenceURL": Wording("Silence this alert", "The form that silences the alert."),
        "imageURL": Wording("Image", "A picture of the alert's graph."),
        "externalURL": Wording("Alerting system", "The system that sent the alert."),
        "description": Wording("Link in the description", "An address in the description."),
    },
    "measure": {
        "wrong automatic acts per 1,000 incidents": Wording(
            "wrong automatic acts per 1,000 incidents",
            "By the audit sample: answers that were acted on without a person and were wrong, "
            "about any incident, also about new kinds and severities rated too low.",
        ),
        "incidents answered auto": Wording(
            "incidents acted on", "Share of incidents on which at least one answer was acted on."
        ),
        "accuracy": Wording("accuracy", "Share of answers that turned out right."),
        "accuracy less the baseline's": Wording(
            "accuracy minus the baseline's",
            "In the newest period; the baseline is the most frequent label of the period before.",
        ),
        "confidence above accuracy": Wording(
            "overconfidence", "Mean confidence minus the share that is right; 0 is best."
        ),
        "answers abstained": Wording("not sure", "Share of answers that were only a guess."),
        "answers auto": Wording("proven", "Share of answers that were proven."),
        "feedback accepted": Wording("accepted", "Share of feedback that agreed."),
        "seconds to answer, median": Wording(
            "seconds to answer, median", "Half of the answers came faster."
        ),
        "seconds to answer, 95%": Wording(
            "seconds to answer, 95th percentile", "19 of 20 answers came faster."
        ),
        "audited precision": Wording(
            "right in the audit sample",
            "Share of checked answers that equal the label a person chose without seeing the "
            "answer.",
        ),
        "label shares moved": Wording(
            "shift of labels",
            "Share of incidents whose label would have to change to restore the earlier shares.",
        ),
        "incidents compared": Wording(
            "incidents compared",
            "Number of new incidents that are compared with the earlier ones.",
        ),
        "texts told from earlier ones (AUC)": Wording(
            "difference of new texts (AUC)", "0.5: like the earlier ones; 1: completely different."
        ),
        "words new": Wording("new words", "Share of words that were hardly ever used before."),
        "service never seen before": Wording(
            "new services", "Share of incidents from services that had no incidents before."
        ),
        "source never seen before": Wording(
            "new sources", "Share of incidents from sources that had no incidents before."
        ),
        "resolved within the interval": Wording(
            "resolved within the interval",
            "Share of incidents resolved within the stated interval, which is to hold 8 in 10.",
        ),
        "resolved within the median": Wording(
            "resolved within the median", "Share of incidents resolved by then; 0.5 is best."
        ),
        "agrees with the champion": Wording(
            "same label as the champion", "Share of incidents on which both agree."
        ),
        "accuracy less the champion's": Wording(
            "accuracy minus the champion's", "Above 0, the challenger is right more often."
        ),
    },
}


def wording(term: str, vocabulary: str) -> Wording:
    """Return the wording of a term of a vocabulary in `VOCABULARIES`.

    An unknown target or link is a field, and its wording is made from the name of the field. The
    wording of any other unknown term is the term itself, without a meaning.

    >>> wording("auto", "decision").name, wording("auto", "mode").name
    ('proven', 'may act alone')
    >>> wording("fields.u_sub_category", "target").name
    'U sub category'
    """
    words = VOCABULARIES[vocabulary].get(term)
    if words is None and vocabulary == "target":
        return Wording(_spaced(term.removeprefix("fields.")), _FIELD)
    if words is None and vocabulary == "link":
        return Wording(_spaced(_URL.sub("", term)) or term, "")
    return words or Wording(term, "")


def target_name(target: str) -> str:
    """Return a target as a heading.

    >>> target_name("severity"), target_name("fields.site")
    ('Severity', 'Site')
    """
    return wording(target, "target").name


def field_name(field: str) -> str:
    """Return a field of an incident as a heading.

    >>> field_name("resolved_at"), field_name("attributes.site")
    ('Resolved at', 'Site')
    """
    return _spaced(field.removeprefix("attributes.").removeprefix("fields."))


def measure_wording(name: str) -> Wording:
    """Return the wording of a monitoring measure; a challenger's measure names its version.

    >>> measure_wording("shadow version 3: accuracy").name
    'challenger version 3: accuracy'
    """
    version, _, figure = name.removeprefix(_SHADOW).rpartition(": ")
    if not name.startswith(_SHADOW):
        return wording(name, "measure")
    words = wording(figure, "measure")
    return replace(words, name=f"challenger version {version}: {words.name}")


def gain_sentence(gain: GainRecord) -> str:
    """Return in words how much better a version was than what it was compared with."""
    return replace(gain, metric=wording(gain.metric, "metric").name).describe()


def _spaced(name: str) -> str:
    words = name.replace("_", " ").strip()
    return words[:1].upper() + words[1:]
