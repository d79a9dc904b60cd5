# %% [markdown]
"""# Does `auto` keep its promise in use?

A certificate was proven on the past. In production, a person labels a random sample of the `auto`
answers without seeing them; only this sample shows how right `auto` still is. Here three months of
the synthetic company are sent through the API day by day, and in the middle the meaning of one
label changes. For your own store, start at "What did the audit sample show?".
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
from features.domain.modes import Mode, ModeSetting
from features.home import HomeSettings, open_home
from features.store.store import open_store
from models.artifacts.registry import ModelRegistry
from serving.app import create_app
from serving.runtime.settings import ServingSettings
from training.demo.incidents import generate_company
from training.monitoring.certificate_checks import precision_history
from training.pipeline.train import train
from training.plan import TrainingPlan

company = generate_company(incidents=2000)
labelled = [incident for incident in company.incidents if incident.outcome.assignment]
incidents = sorted(labelled, key=lambda incident: str(incident.report.opened_at))
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
    promise = f"precision of at least {certificate.precision_at_least:.0%} above"
    print(f"{label}: {promise} {certificate.threshold:.2f}, proven on {certificate.n}")

# %% [markdown]
"""## Replay it day by day

From the middle on, a new team takes over the work of "Network Operations". An answer of `auto`
that nobody checks says nothing about precision, so it is ignored here. An audited answer is null,
and a person gives the label. Half of the answers are audited here, instead of the usual 5%, because
the period is short.
"""

# %%
CHANGED, TEAM = "Network Operations", "Connectivity"
truths = {incident.report.id: str(incident.outcome.assignment) for incident in later}
second_half = later[len(later) // 2 :]
moved = [incident for incident in second_half if incident.outcome.assignment == CHANGED]
truths |= {incident.report.id: TEAM for incident in moved}
settings = ServingSettings(home=home.root, audit_share=0.5)
with TestClient(create_app(settings)) as client, open_store(home.database_url) as store:
    store.modes.set(ModeSetting("assignment", None, Mode.AUTO, datetime.now(UTC)))
    time.sleep(settings.poll_seconds)
    for _, day in groupby(
        later,
        key=lambda incident: incident.report.opened_at and incident.report.opened_at.date(),
    ):
        reports = [
            {
                "id": incident.report.id,
                "title": incident.report.title,
                "description": incident.report.description,
                "service": incident.report.service,
                "opened_at": str(incident.report.opened_at),
            }
            for incident in day
        ]
        body = {"incidents": reports, "include": ["assignment"]}
        results = client.post("/v1/triage/batch", json=body).json()["results"]
        for report, result in zip(reports, results, strict=True):
            answer, truth = result["triage"]["assignment"], truths[str(report["id"])]
            if answer is None:
                feedback = {"target": "assignment", "action": "correct", "label": truth}
                feedback["prediction_id"] = result["triage"]["prediction_id"]
                client.post("/v1/feedback", json=feedback).raise_for_status()
    bounds = precision_history(store, "assignment", champion.version, card)
    withdrawals = store.certificate_withdrawals.all()

# %% [markdown]
"""## What did the audit sample show?

The band stays valid however often it is checked (a confidence sequence). It is therefore safe to
withdraw a certificate as soon as the band falls below the promised precision. From then on the
label is answered `suggest`.
"""

# %%
print(bounds.drop(columns="day").groupby("label").tail(1).round(3).to_string(index=False))
for withdrawal in withdrawals:
    count = f"{withdrawal.right} of {withdrawal.audited} right"
    print(f"withdrawn: {withdrawal.label}, {count}, at most {withdrawal.high:.0%}")
labels = bounds["label"].unique()
figure, axes = plt.subplots(len(labels), figsize=(9, 2.2 * len(labels)), squeeze=False)
for ax, label in zip(axes[:, 0], labels, strict=True):
    rows = bounds[bounds["label"] == label]
    ax.step(rows["n"], rows["estimate"], where="post")
    ax.fill_between(rows["n"], rows["low"], rows["high"], alpha=0.2, step="post")
    ax.plot(rows["n"], rows["promised"], color="grey", linestyle=":")
    ax.set(title=label, xlabel="audited answers", ylabel="precision", ylim=(0, 1.02))
figure.tight_layout()
plt.show()
folder.cleanup()
