# %% [markdown]
"""# Where is it wrong, and why?

One accuracy hides who pays for it. Which classes, services, sources and languages does the model
serve worse than the rest, which labels does it confuse, and what do the worst mistakes look like?
The example is the synthetic company; put your own history in.
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
target = next(each for each in find_targets(history)[0] if each.name == "assignment")
with TemporaryDirectory() as folder:
    home = open_home(HomeSettings(home=Path(folder)))
    plan = TrainingPlan(home, "default", home.database_url, encoder="hashing")
    model, evaluation = fit_and_judge(history, target, split, plan)
judged = evaluation.judged
classes = np.array(evaluation.classes)

# %% [markdown]
"""## Whom does it serve worse?

Slices with at least thirty held-out incidents, the worst first. Look at the interval before
blaming a slice: the gate vetoes a model only for a fall beyond it.
"""

# %%
parts = pd.DataFrame(
    {
        "slice": f"{each.slice}: {each.value}",
        "incidents": each.incidents,
        "accuracy": each.score,
        "low": each.low,
        "high": each.high,
    }
    for each in evaluation.slice_metrics
).sort_values("accuracy")
print(parts.head(10).round(3).to_string(index=False))
figure, axes = plt.subplots(figsize=(8, 0.3 * len(parts) + 1), layout="constrained")
away = [parts["accuracy"] - parts["low"], parts["high"] - parts["accuracy"]]
axes.errorbar(parts["accuracy"], parts["slice"], xerr=away, fmt="o")
whole = float((judged.labels == judged.predicted).mean())
axes.axvline(whole, color="grey", linestyle=":", label="all incidents")
axes.set(xlabel="accuracy with its 95% interval")
axes.legend()
plt.show()

# %% [markdown]
"""## What does it take for what?"""

# %%
table = pd.crosstab(
    pd.Series(classes[judged.labels], name="label"),
    pd.Series(classes[judged.predicted], name="answered"),
)
print(table.to_string())

# %% [markdown]
"""## Is it wrong where it is unsure?

A mistake at low confidence costs little: it was a suggestion. The ones to read are the sure ones:
a mistaken label, a rule nobody told the model, or a real gap.
"""

# %%
wrong = judged.labels != judged.predicted
print(f"mean confidence where right {judged.confidence[~wrong].mean():.2f}")
print(f"mean confidence where wrong {judged.confidence[wrong].mean():.2f}")
surest = np.flatnonzero(wrong)[np.argsort(-judged.confidence[wrong])][:8]
for at in surest:
    report = history.incidents[int(evaluation.rows[at])].report
    label, answered = classes[judged.labels[at]], classes[judged.predicted[at]]
    print(f"{judged.confidence[at]:.2f} {answered} instead of {label}: {report.title[:60]}")

# %% [markdown]
"""## Does it grow old?

Accuracy by month of opening: each period was judged by a model of its past.
"""

# %%
opened = [history.incidents[int(row)].report.opened_at for row in evaluation.rows]
by_month = pd.DataFrame(
    {"month": [f"{each:%Y-%m}" if each else "unknown" for each in opened], "right": ~wrong}
)
print(by_month.groupby("month")["right"].agg(["size", "mean"]).round(3).to_string())
