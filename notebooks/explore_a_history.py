# %% [markdown]
"""# Explore a history before learning from it

What does an export hold, when was it written, and what could mislead a model? The example is the
synthetic company, so the numbers say nothing about real data; put your own file and mapping in.
"""

# %%
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd

from features.history.load import load_history
from features.history.mapping import load_mapping
from models.folds import report_copy_groups
from training.demo import generate_company, write_history, write_mapping
from training.split import split_history
from training.targets import find_targets

with TemporaryDirectory() as folder:
    write_history(generate_company(), Path(folder) / "history.jsonl")
    write_mapping(Path(folder) / "mapping.yaml")
    history = load_history(
        Path(folder) / "history.jsonl", load_mapping(Path(folder) / "mapping.yaml")
    )

# %% [markdown]
"""## Was it known at opening?

`auto` may rest only on columns that are as they were when the incident opened.
"""

# %%
print(pd.Series({name: str(known) for name, known in history.provenance.items()}).to_string())
print(f"{len(history.rejected)} rows rejected; warnings: {list(history.warnings) or 'none'}")

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
"""## Does it repeat itself?

Copies on both sides of a split flatter a model, and a storm of copies is one incident.
"""

# %%
copies = report_copy_groups([incident.report for incident in history.incidents])
sizes = np.bincount(copies)
print(f"{1 - len(sizes) / len(copies):.1%} are near-copies; the largest group has {sizes.max()}")

# %% [markdown]
"""## How will it be judged?"""

# %%
split = split_history(history)
print(split.description)
for fold in split.folds:
    print(f"  fitted on {len(fold.fit)}, judged on {len(fold.judge)}")
