# %% [markdown]
"""# Train, and compare versions in MLflow

Every training is a run with one nested run for each target: parameters, metrics with intervals,
pictures, the card, and the registered version. Here two trainings answer a question: is a model
worth more once it knows the last four months? The example is the synthetic company; put your own
history in.
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
        one for one in history.incidents if one.report.opened_at and one.report.opened_at < march
    ),
)
folder = TemporaryDirectory()
home = open_home(HomeSettings(home=Path(folder.name)))
plan = TrainingPlan(
    home, "default", home.database_url, encoder="hashing", targets=("category", "severity")
)

# %% [markdown]
"""## Train twice

The first versions become champions if they beat the baseline. The second ones must then be better
than these beyond noise, or no worse and fresher, on incidents that neither learned from.
"""

# %%
for given in (earlier, history):
    report = train(given, plan, lambda *_: None)
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
shown = {
    "tags.mlflow.runName": "target",
    "metrics.accuracy": "accuracy",
    "metrics.accuracy.low": "low",
    "metrics.accuracy.high": "high",
    "metrics.ece": "calibration error",
    "metrics.coverage_at_92": "coverage at 92%",
}
print(nested[list(shown)].rename(columns=shown).round(3).to_string(index=False))

# %% [markdown]
"""## What does a version say of itself?"""

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

Any registered version loads as a pyfunc and takes a frame of reports; `mlflow models serve` works
on it too.
"""

# %%
mlflow.set_registry_uri(home.tracking_uri)
model = mlflow.pyfunc.load_model("models:/default.category@champion")
asked = IncidentReport(id="new", title="vpn disconnects every few minutes", service="vpn")
print(
    model.predict(pd.DataFrame([{"id": asked.id, "title": asked.title, "service": asked.service}]))
)
folder.cleanup()
