# %% [markdown]
"""# How sure is sure enough?

`auto` acts without a person. How much may it take over, how often is it wrong, and what does that
cost? The example is the synthetic company; put your own history in.
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
from training.evaluation.binomial_intervals import lower_bound
from training.evaluation.certify import GRID, certify
from training.evaluation.metrics import coverage_at_wanted_accuracy, measure
from training.pipeline.fit import fit_and_judge
from training.plan import TrainingPlan

history = load_demo(generate_company())
split = split_history(history)
target = next(each for each in find_targets(history)[0] if each.name == "assignment")
with TemporaryDirectory() as folder:
    home = open_home(HomeSettings(home=Path(folder)))
    plan = TrainingPlan(home, "default", home.database_url, encoder="hashing")
    model, evaluation = fit_and_judge(history, target, split, plan)
judged = evaluation.judged
right = judged.labels == judged.predicted

# %% [markdown]
"""## How right are the surest?

Every point is a threshold: what lies above it is answered. The band is what these incidents prove
at 95% confidence; a promise is worth as much as its lower edge.
"""

# %%
thresholds = np.array(GRID)
accepted = judged.confidence[:, None] >= thresholds
answered, hits = accepted.sum(axis=0), (accepted & right[:, None]).sum(axis=0)
curve = pd.DataFrame(
    {
        "threshold": thresholds,
        "coverage": answered / len(right),
        "precision": hits / np.maximum(answered, 1),
        "proven": lower_bound(hits, answered),
    }
)[answered > 0]
print(curve.iloc[::6].round(3).to_string(index=False))
figure, axes = plt.subplots(figsize=(8, 4), layout="constrained")
axes.plot(curve["coverage"], curve["precision"], label="seen on held-out incidents")
axes.fill_between(curve["coverage"], curve["proven"], curve["precision"], alpha=0.2, label="proven")
axes.axhline(plan.auto_precision, color="grey", linestyle=":", label="promise")
axes.set(xlabel="share of incidents answered", ylabel="precision", ylim=(0.5, 1.01))
axes.legend()
plt.show()
coverage = measure(coverage_at_wanted_accuracy, judged)
print(f"at 92% accuracy {coverage.value:.2f} [{coverage.low:.2f}, {coverage.high:.2f}] are covered")

# %% [markdown]
"""## Why is a class certified, or not?

Each label is proven alone, by one incident of each group of near-copies, from the strictest
threshold down until the proof fails. Labels that are rarely answered are proven together.
"""

# %%
copies = split.copies[evaluation.rows]
for precision in (0.85, 0.92, 0.97):
    certificates = certify(judged, model.classes_, copies, precision=precision).certificates
    names = ", ".join(
        f"{label} above {certificate.threshold:.2f}" for label, certificate in certificates.items()
    )
    print(f"{precision:.0%}: {names or 'nothing'}")

# %% [markdown]
"""## What does it cost?

Say that a wrong assignment costs forty minutes, and that assigning by hand costs four. Then the
best threshold is where the next answer is wrong in one of ten cases, and below it every further
answer loses time. The curve is flat around its top: the promise may well be stricter than that.
"""

# %%
WRONG, BY_HAND = 40, 4
curve["minutes"] = (BY_HAND * answered - WRONG * (answered - hits))[answered > 0] / len(right)
best = curve.loc[curve["minutes"].idxmax()]
print(f"best above {best.threshold:.2f}: {best.minutes:.1f} minutes saved for each incident")
curve.plot(x="coverage", y="minutes", figsize=(8, 3), title="minutes saved for each incident")
plt.show()
