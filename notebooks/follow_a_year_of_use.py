# %% [markdown]
"""# Does `auto` keep its promise in use?

A certificate was proven on the past. In use a random sample of what would be answered alone goes
to a person who does not see our answer, and only that sample says how right `auto` still is. Here
three months of the synthetic company are played through the interface day by day; in its middle the
meaning of one label changes. For your own store begin at "What did the audit sample show?".
"""

# %%
import time
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory

from matplotlib import pyplot as plt
from starlette.testclient import TestClient

from features.domain.history import History
from features.home import HomeSettings, open_home
from features.store.operations.modes import Mode, ModeSetting
from features.store.store import open_store
from models.artifacts.registry import ModelRegistry
from serving.app import create_app
from serving.runtime.settings import ServingSettings
from training.demo.incidents import generate_company
from training.monitoring.certificate_checks import precision_history
from training.pipeline.train import train
from training.plan import TrainingPlan

known = [one for one in generate_company(incidents=2000).incidents if one.outcome.assignment]
incidents = sorted(known, key=lambda one: str(one.report.opened_at))
past, later = incidents[:1500], incidents[1500:]
folder = TemporaryDirectory()
home = open_home(HomeSettings(home=Path(folder.name)))
plan = TrainingPlan(
    home,
    "default",
    home.database_url,
    encoder="hashing",
    targets=("assignment", "similar"),
    auto_precision=0.85,
)
train(History(tuple(past)), plan, lambda *_: None)
champion = ModelRegistry(home.tracking_uri, "default").champions()["assignment"]
card = ModelRegistry(home.tracking_uri, "default").load(champion).card
for label, certificate in card.certificates.items():
    promise = f"right in at least {certificate.precision_at_least:.0%} above"
    print(f"{label}: {promise} {certificate.threshold:.2f}, proven on {certificate.n}")

# %% [markdown]
"""## Play it day by day

From the middle on, a new team takes over what "Network Operations" did. What was answered
alone ends as we said, so it tells nothing and is not played here; an audited answer is null, and a
person names the label. Half is audited here, where 5% is usual, for the time is short.
"""

# %%
CHANGED, TEAM = "Network Operations", "Connectivity"
truths = {one.report.id: str(one.outcome.assignment) for one in later}
moved = [one for one in later[len(later) // 2 :] if one.outcome.assignment == CHANGED]
truths |= {one.report.id: TEAM for one in moved}
settings = ServingSettings(home=home.root, audit_share=0.5)
with TestClient(create_app(settings)) as client, open_store(home.database_url) as store:
    store.set_mode(ModeSetting("assignment", None, Mode.AUTO, datetime.now(UTC)))
    time.sleep(settings.poll_seconds)
    for _, day in groupby(
        later, key=lambda one: one.report.opened_at and one.report.opened_at.date()
    ):
        today = list(day)
        asked = [
            {
                "id": one.report.id,
                "title": one.report.title,
                "description": one.report.description,
                "service": one.report.service,
                "opened_at": str(one.report.opened_at),
            }
            for one in today
        ]
        body = {"incidents": asked, "include": ["assignment"]}
        results = client.post("/v1/triage/batch", json=body).json()["results"]
        for incident, result in zip(asked, results, strict=True):
            answer, truth = result["triage"]["assignment"], truths[str(incident["id"])]
            if answer is None:
                said = {"target": "assignment", "action": "correct", "label": truth}
                said["prediction_id"] = result["triage"]["prediction_id"]
                client.post("/v1/feedback", json=said).raise_for_status()
    bounds = precision_history(store, "assignment", champion.version, card)
    withdrawn = store.learning.withdrawals()

# %% [markdown]
"""## What did the audit sample show?

The band holds however often one looks (a confidence sequence), so acting the moment it falls below
the promise does not cry wolf. What fell is answered as `suggest` from then on.
"""

# %%
print(bounds.drop(columns="day").groupby("label").tail(1).round(3).to_string(index=False))
for gone in withdrawn:
    print(f"withdrawn: {gone.label}, {gone.right} of {gone.audited} right, at most {gone.high:.0%}")
labels = bounds["label"].unique()
figure, axes = plt.subplots(len(labels), figsize=(9, 2.2 * len(labels)), squeeze=False)
for ax, label in zip(axes[:, 0], labels, strict=True):
    of = bounds[bounds["label"] == label]
    ax.step(of["n"], of["estimate"], where="post")
    ax.fill_between(of["n"], of["low"], of["high"], alpha=0.2, step="post")
    ax.plot(of["n"], of["promised"], color="grey", linestyle=":")
    ax.set(title=label, xlabel="audited answers", ylabel="precision", ylim=(0, 1.02))
figure.tight_layout()
plt.show()
folder.cleanup()
