"""The answer about severity on the page: what the sender stated comes first, then ours and why."""

import html
import re
from datetime import UTC, datetime

from factories import incident, prediction

NOW = datetime.now(UTC)


def words(response) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", response.text)).split())


def severity(**said):
    answer = {"label": "2 - High", "evidence": {}, "alternatives": [], "label_set": []} | said
    return prediction(label="2 - High", target="severity", answer=answer, answered_at=NOW)


def test_stated_level_stands_above_ours_with_the_reasons(client, store):
    store.incidents.upsert([incident(title="disk full", opened_at=NOW)])
    why = (
        "rated up: missing a 2 - High costs more than a false alarm; 3 - Moderate is likelier (43%)"
    )
    store.predictions.record([severity(stated="warning", likeliest="3 - Moderate", why=[why])])
    page = client.get("/incidents/INC1")
    article = re.search(r'<article class="answer" id="severity".*?</article>', page.text, re.DOTALL)
    shown = html.unescape(re.sub(r"<[^>]+>", " ", article[0]))
    assert shown.index("The sender stated") < shown.index("warning") < shown.index("2 - High")
    assert why in shown
    assert "stated: warning" in words(page)


def test_nothing_stated_is_not_mentioned(client, store):
    store.incidents.upsert([incident(title="disk full", opened_at=NOW)])
    store.predictions.record([severity()])
    assert "stated" not in words(client.get("/incidents/INC1"))
