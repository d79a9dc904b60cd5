# %% [markdown]
"""# Where is it wrong, and why?

A single accuracy hides where a model is weak. On which classes, services, sources and languages is
it worse than on others, which labels does it confuse, and what do its most confident mistakes look
like? The example is the synthetic company; use your own history instead.
"""

# %%
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt

from features.home import HomeSettings, open_home
from training.dataset.split import split_history
from training.dataset.targets import find_targets
from training.demo.export import load_demo
from training.demo.incidents import generate_company
from training.pipeline.fit import fit_and_judge
from training.plan import TrainingPlan

history = load_demo(generate_company(incidents=1000))
split = split_history(history)
targets, _ = find_targets(history)
target = next(target for target in targets if target.name == "assignment")
with TemporaryDirectory() as folder:
    home = open_home(HomeSettings(home=Path(folder)))
    plan = TrainingPlan(home, "default", home.database_url, encoder="hashing")
    model, evaluation = fit_and_judge(history, target, split, plan)
judged = evaluation.judged
classes = np.array(evaluation.classes)

# %% [markdown]
"""## Where is it worse?

Slices with at least thirty held-out incidents, the worst first. Look at the interval too: a small
slice may be low by chance.
"""

# %%
parts = pd.DataFrame(
    {
        "slice": f"{metric.slice}: {metric.value}",
        "incidents": metric.incidents,
        "accuracy": metric.score,
        "low": metric.low,
        "high": metric.high,
    }
    for metric in evaluation.slice_metrics
).sort_values("accuracy")
print(parts.head(10).round(3).to_string(index=False))
figure, axes = plt.subplots(figsize=(8, 0.3 * len(parts) + 1), layout="constrained")
errors = [parts["accuracy"] - parts["low"], parts["high"] - parts["accuracy"]]
axes.errorbar(parts["accuracy"], parts["slice"], xerr=errors, fmt="o")
accuracy = float((judged.labels == judged.predicted).mean())
axes.axvline(accuracy, color="grey", linestyle=":", label="all incidents")
axes.set(xlabel="accuracy with its 95% interval")
axes.legend()
plt.show()

# %% [markdown]
"""## Which labels does it confuse?"""

# %%
table = pd.crosstab(
    pd.Series(classes[judged.labels], name="label"),
    pd.Series(classes[judged.predicted], name="predicted"),
)
print(table.to_string())

# %% [markdown]
"""## Is it wrong where its confidence is low?

A mistake at low confidence costs little, since it was only a suggestion. Read the confident
mistakes: the label may be mistaken, or the model may not know a rule or a kind of incident.
"""

# %%
wrong = judged.labels != judged.predicted
print(f"mean confidence where right {judged.confidence[~wrong].mean():.2f}")
print(f"mean confidence where wrong {judged.confidence[wrong].mean():.2f}")
most_confident = np.flatnonzero(wrong)[np.argsort(-judged.confidence[wrong])][:8]
for number in most_confident:
    report = history.incidents[int(evaluation.rows[number])].report
    label, predicted = classes[judged.labels[number]], classes[judged.predicted[number]]
    print(f"{judged.confidence[number]:.2f} {predicted} instead of {label}: {report.title[:60]}")

# %% [markdown]
"""## Does it get worse over time?

Accuracy by month of opening; each period was judged by a model that was fitted on data before it.
"""

# %%
times = [history.incidents[int(row)].report.opened_at for row in evaluation.rows]
by_month = pd.DataFrame(
    {"month": [f"{time:%Y-%m}" if time else "unknown" for time in times], "right": ~wrong}
)
print(by_month.groupby("month")["right"].agg(["size", "mean"]).round(3).to_string())
