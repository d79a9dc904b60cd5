# %% [markdown]
"""# Explore a history before learning from it

What does an export contain, when were its values written, and what could mislead a model? The
example is the synthetic company, so the numbers say nothing about real data. Use your own file and
mapping instead: `history = load_history(Path("export.csv"), load_mapping(Path("mapping.yaml")))`.
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
from models.classification.learning.cross_validation import report_copy_groups
from training.dataset.split import split_history
from training.dataset.targets import find_targets
from training.demo.export import load_demo
from training.demo.incidents import generate_company
from training.label_noise.suspects import find_suspect_labels
from training.pipeline.fit import fit_and_judge
from training.plan import TrainingPlan

history = load_demo(generate_company(incidents=600))
incidents = history.incidents

# %% [markdown]
"""## Was it known at opening?

`auto` may only rest on columns that still have the values they had when the incident opened.
"""

# %%
print(pd.Series({name: str(source) for name, source in history.provenance.items()}).to_string())
print(f"{len(history.rejected)} rows rejected; warnings: {list(history.warnings) or 'none'}")

# %% [markdown]
"""## Does a column leak the label?

A column that is filled in at closing predicts well in every test, and is empty when a model is
used. Here the export gets such a column; reading the export detects it and leaves it out.
"""

# %%
LEAKING_MAPPING = """
report: {id: id, opened_at: opened_at, title: title, attributes: [queue]}
outcome: {assignment: assignment}
"""
with TemporaryDirectory() as folder:
    export, mapping = Path(folder) / "export.csv", Path(folder) / "mapping.yaml"
    mapping.write_text(LEAKING_MAPPING)
    pd.DataFrame(
        {
            "id": incident.report.id,
            "opened_at": incident.report.opened_at,
            "title": incident.report.title,
            "assignment": incident.outcome.assignment,
            "queue": f"queue of {incident.outcome.assignment}",
        }
        for incident in incidents
    ).to_csv(export, index=False)
    for warning in load_history(export, load_mapping(mapping)).warnings:
        print(warning)

# %% [markdown]
"""## What can be learned?

A target needs labels, and at least two different ones.
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
"""## Did labels change their meaning?

If shares change abruptly in one month, people have probably changed how they label. A model that
learns from the months before learns the old habit too.
"""

# %%
months = pd.DataFrame(
    {"month": f"{incident.report.opened_at:%Y-%m}", "category": incident.outcome.category}
    for incident in incidents
    if incident.report.opened_at
)
shares = pd.crosstab(months["month"], months["category"], normalize="index")
print(shares.round(2).to_string())
shares.plot.area(title="shares of categories by month", figsize=(9, 4), legend="reverse")
plt.show()

# %% [markdown]
"""## How many incidents are near-copies?

Near-copies on both sides of a split make a model look better than it is. They are kept together,
and certificates count each group once.
"""

# %%
copies = report_copy_groups([incident.report for incident in incidents])
sizes = np.bincount(copies)
print(f"{1 - len(sizes) / len(copies):.1%} are near-copies; the largest group has {sizes.max()}")

# %% [markdown]
"""## How will models be judged?"""

# %%
split = split_history(history)
print(split.description)
for fold in split.folds:
    print(f"  fitted on {len(fold.fit)}, judged on {len(fold.judge)}")

# %% [markdown]
"""## Which labels look mistaken?

These labels are contradicted by a confident model that did not see the incident, or by the
incident's near-copies. Read the first ones before you trust any figure: accuracy is measured
against the labels.
"""

# %%
with TemporaryDirectory() as folder:
    home = open_home(HomeSettings(home=Path(folder)))
    plan = TrainingPlan(home, "default", home.database_url, encoder="hashing")
    category = next(target for target in targets if target.name == "category")
    model, _ = fit_and_judge(history, category, split, plan)
suspect_labels = find_suspect_labels(incidents, category, split, model)
noise = suspect_labels.noise
print(f"{noise.suspected} of {noise.assessed} labels look mistaken")
titles = {incident.report.id: incident.report.title for incident in incidents}
print(
    pd.DataFrame(
        {
            "given": suspect.given,
            "suggested": suspect.suggested,
            "title": titles[suspect.id][:60],
        }
        for suspect in suspect_labels.suspects[:8]
    ).to_string(index=False)
)
