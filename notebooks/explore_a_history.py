# %% [markdown]
"""# Explore a history before learning from it

What does an export hold, when was it written, and what could mislead a model? The example is the
synthetic company, so the numbers say nothing about real data; put your own file and mapping in:
`history = load_history(Path("export.csv"), load_mapping(Path("mapping.yaml")))`.
"""

# %%
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt

from features.home import HomeSettings, open_home
from features.imports.column_mapping import load_mapping
from features.imports.load_history import load_history
from models.classification.cross_validation import report_copy_groups
from training.dataset.split import split_history
from training.dataset.targets import find_targets
from training.demo.export import load_demo
from training.demo.incidents import generate_company
from training.evaluation.label_noise import find_suspect_labels
from training.pipeline.fit import fit_and_judge
from training.plan import TrainingPlan

history = load_demo(generate_company(incidents=600))
incidents = history.incidents

# %% [markdown]
"""## Was it known at opening?

`auto` may rest only on columns that are as they were when the incident opened.
"""

# %%
print(pd.Series({name: str(known) for name, known in history.provenance.items()}).to_string())
print(f"{len(history.rejected)} rows rejected; warnings: {list(history.warnings) or 'none'}")

# %% [markdown]
"""## Does a column tell the answer?

A column that was filled at closing predicts well in every test and is empty when it is needed.
Here one is smuggled in; reading the export finds it and leaves it out.
"""

# %%
SMUGGLED = """
report: {id: id, opened_at: opened_at, title: title, attributes: [queue]}
outcome: {assignment: assignment}
"""
with TemporaryDirectory() as folder:
    export, mapping = Path(folder) / "export.csv", Path(folder) / "mapping.yaml"
    mapping.write_text(SMUGGLED)
    pd.DataFrame(
        {
            "id": one.report.id,
            "opened_at": one.report.opened_at,
            "title": one.report.title,
            "assignment": one.outcome.assignment,
            "queue": f"queue of {one.outcome.assignment}",
        }
        for one in incidents
    ).to_csv(export, index=False)
    for warning in load_history(export, load_mapping(mapping)).warnings:
        print(warning)

# %% [markdown]
"""## What can be learned?

A target needs labels, and more than one of them.
"""

# %%
targets, skipped = find_targets(history)
for target in targets:
    counts = Counter(label for label in target.labels if label is not None)
    rarest = min(counts.values())
    print(
        f"{target.name}: {counts.total()} labels of {len(counts)} kinds, the rarest {rarest} times"
    )
print(f"skipped: {skipped or 'none'}")

# %% [markdown]
"""## Did the labels change their meaning?

Shares that jump in one month are a changed habit, not a changed world: an export that spans the
jump teaches the old habit too.
"""

# %%
months = pd.DataFrame(
    {"month": f"{one.report.opened_at:%Y-%m}", "category": one.outcome.category}
    for one in incidents
    if one.report.opened_at
)
shares = pd.crosstab(months["month"], months["category"], normalize="index")
print(shares.round(2).to_string())
shares.plot.area(title="shares of categories by month", figsize=(9, 4), legend="reverse")
plt.show()

# %% [markdown]
"""## Does it repeat itself?

Copies on both sides of a split flatter a model, and a storm of copies is one incident.
"""

# %%
copies = report_copy_groups([incident.report for incident in incidents])
sizes = np.bincount(copies)
print(f"{1 - len(sizes) / len(copies):.1%} are near-copies; the largest group has {sizes.max()}")

# %% [markdown]
"""## How will it be judged?"""

# %%
split = split_history(history)
print(split.description)
for fold in split.folds:
    print(f"  fitted on {len(fold.fit)}, judged on {len(fold.judge)}")

# %% [markdown]
"""## Which labels look mistaken?

A model that did not see an incident contradicts its label with confidence, or its near-copies do.
Read the first ones before trusting any figure: nobody can be more right than the labels are.
"""

# %%
with TemporaryDirectory() as folder:
    home = open_home(HomeSettings(home=Path(folder)))
    plan = TrainingPlan(home, "default", home.database_url, encoder="hashing")
    category = next(target for target in targets if target.name == "category")
    model, _ = fit_and_judge(history, category, split, plan)
doubts = find_suspect_labels(incidents, category, split, model)
print(f"{doubts.noise.suspected} of {doubts.noise.assessed} labels look mistaken")
titles = {one.report.id: one.report.title for one in incidents}
print(
    pd.DataFrame(
        {"given": one.given, "rather": one.suggested, "title": titles[one.id][:60]}
        for one in doubts.suspects[:8]
    ).to_string(index=False)
)
