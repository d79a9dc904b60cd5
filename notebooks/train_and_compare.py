# %% [markdown]
"""# Train, and compare versions in MLflow

Every training is a run with one nested run for each target: parameters, metrics with intervals,
plots, the card, and the registered version. Here two trainings answer a question: is a model better
if it also knows the last four months? The example is the synthetic company; use your own history
instead.
"""

# %%
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import mlflow
import pandas as pd

from features.domain.report import IncidentReport
from features.home import HomeSettings, open_home
from models.artifacts.registry import ModelRegistry
from training.demo.export import load_demo
from training.demo.incidents import generate_company
from training.pipeline.train import train
from training.plan import TrainingPlan

history = load_demo(generate_company(incidents=800))
march = datetime(2026, 3, 1, tzinfo=UTC)
earlier = replace(
    history,
    incidents=tuple(
        incident
        for incident in history.incidents
        if incident.report.opened_at and incident.report.opened_at < march
    ),
)
folder = TemporaryDirectory()
home = open_home(HomeSettings(home=Path(folder.name)))
plan = TrainingPlan(
    home, "default", home.database_url, encoder="hashing", targets=("category", "severity")
)

# %% [markdown]
"""## Train twice

The first versions become champions if they are better than the baseline. The second versions must
then be better than the first ones beyond noise, or no worse and fresher, on incidents that neither
learned from.
"""

# %%
for training_history in (earlier, history):
    report = train(training_history, plan, lambda *_: None)
    for trained in report.trained:
        if trained.verdict is not None:
            state = "promoted" if trained.verdict.promoted else "not promoted"
            print(f"{trained.target} version {trained.version}: {state}")
            for reason in trained.verdict.reasons:
                print(f"  {reason}")

# %% [markdown]
"""## Compare the runs

`make mlflow` shows the same in a browser.
"""

# %%
mlflow.set_tracking_uri(home.tracking_uri)
runs = mlflow.search_runs(experiment_names=["default"], order_by=["start_time"])
nested = runs[runs["tags.mlflow.parentRunId"].notna()]
columns = {
    "tags.mlflow.runName": "target",
    "metrics.accuracy": "accuracy",
    "metrics.accuracy.low": "low",
    "metrics.accuracy.high": "high",
    "metrics.ece": "calibration error",
    "metrics.coverage_at_92": "coverage at 92%",
}
print(nested[list(columns)].rename(columns=columns).round(3).to_string(index=False))

# %% [markdown]
"""## What does a version's card say?"""

# %%
registry = ModelRegistry(home.tracking_uri, "default")
champion = registry.champions()["category"]
card = registry.load(champion).card
print(f"version {champion.version}, {card.rows.labelled} labels up to {card.cutoff:%d %B %Y}")
print(f"judged in {card.split}")
for note in card.notes:
    print(f"  {note}")

# %% [markdown]
"""## Use it without the service

Any registered version can be loaded as a pyfunc, which takes a data frame of reports; `mlflow
models serve` works with it too.
"""

# %%
mlflow.set_registry_uri(home.tracking_uri)
model = mlflow.pyfunc.load_model("models:/default.category@champion")
report = IncidentReport(id="new", title="vpn disconnects every few minutes", service="vpn")
row = {"id": report.id, "title": report.title, "service": report.service}
print(model.predict(pd.DataFrame([row])))
folder.cleanup()
