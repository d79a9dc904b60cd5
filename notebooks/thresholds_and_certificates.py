# %% [markdown]
"""# Which confidence is high enough?

`auto` acts without a person. How many incidents can it answer, how often is it wrong, and what does
that cost? The example is the synthetic company; use your own history instead.
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
targets, _ = find_targets(history)
target = next(target for target in targets if target.name == "assignment")
with TemporaryDirectory() as folder:
    home = open_home(HomeSettings(home=Path(folder)))
    plan = TrainingPlan(home, "default", home.database_url, encoder="hashing")
    model, evaluation = fit_and_judge(history, target, split, plan)
judged = evaluation.judged
right = judged.labels == judged.predicted

# %% [markdown]
"""## How right are the most confident answers?

Every point is a threshold; incidents with at least this confidence are answered. The lower edge of
the band is the precision that these incidents prove at a confidence level of 95%.
"""

# %%
thresholds = np.array(GRID)
accepted = judged.confidence[:, None] >= thresholds
answered, right_counts = accepted.sum(axis=0), (accepted & right[:, None]).sum(axis=0)
curve = pd.DataFrame(
    {
        "threshold": thresholds,
        "coverage": answered / len(right),
        "precision": right_counts / np.maximum(answered, 1),
        "proven": lower_bound(right_counts, answered),
    }
)[answered > 0]
print(curve.iloc[::6].round(3).to_string(index=False))
figure, axes = plt.subplots(figsize=(8, 4), layout="constrained")
axes.plot(curve["coverage"], curve["precision"], label="measured on held-out incidents")
axes.fill_between(curve["coverage"], curve["proven"], curve["precision"], alpha=0.2, label="proven")
axes.axhline(plan.auto_precision, color="grey", linestyle=":", label="promised")
axes.set(xlabel="share of incidents answered", ylabel="precision", ylim=(0.5, 1.01))
axes.legend()
plt.show()
coverage = measure(coverage_at_wanted_accuracy, judged)
print(f"at 92% accuracy {coverage.value:.2f} [{coverage.low:.2f}, {coverage.high:.2f}] are covered")

# %% [markdown]
"""## Why is a class certified, or not?

Each label is proven alone, with one incident of each group of near-copies. Thresholds are tested
from the highest down until one fails. Labels that are rarely answered are proven together.
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

Assume that a wrong assignment costs forty minutes, and that assigning by hand takes four. Then the
best threshold is where one in ten further answers would be wrong; below it, answers lose time. The
curve is flat around its maximum, so a stricter threshold costs little.
"""

# %%
MINUTES_WRONG, MINUTES_BY_HAND = 40, 4
saved = MINUTES_BY_HAND * answered - MINUTES_WRONG * (answered - right_counts)
curve["minutes"] = saved[answered > 0] / len(right)
best = curve.loc[curve["minutes"].idxmax()]
print(f"best above {best.threshold:.2f}: {best.minutes:.1f} minutes saved for each incident")
curve.plot(x="coverage", y="minutes", figsize=(8, 3), title="minutes saved for each incident")
plt.show()
