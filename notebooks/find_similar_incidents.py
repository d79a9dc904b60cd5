# %% [markdown]
"""# What makes two incidents similar?

The ranker weighs wording, shared rare words, services, facts and time. What did it learn from the
links of a history, is its relatedness calibrated, and where does it fail? The example is the
synthetic company; put your own history in.
"""

# %%
import numpy as np
import pandas as pd
from matplotlib import pyplot as plt

from features.encoding.encoder import HashingEncoder
from training.demo.export import load_demo
from training.demo.incidents import generate_company
from training.pipeline.train_similar import similar_card, train_similar

history = load_demo(generate_company())
trained = train_similar(history, encoder=HashingEncoder())
judged = trained.judged
if judged is None:
    raise SystemExit("too few links to judge by; map `duplicate_of`")

# %% [markdown]
"""## Does it find them?

Each search sees only what was opened before, and was made by a ranker that saw no link of its
group. The baseline orders by the cosine of sentence vectors alone.
"""

# %%
print(
    pd.DataFrame(
        {
            "metric": each.name,
            "value": each.value,
            "low": each.low,
            "high": each.high,
            "baseline": each.baseline,
        }
        for each in trained.metrics
    )
    .round(3)
    .to_string(index=False)
)

# %% [markdown]
"""## What counts for it?

Weights are on the scale of log-odds, each feature in its own usual sizes.
"""

# %%
card = similar_card(history, trained)
weights = pd.Series(
    {
        name.removeprefix("weight of "): float(value or 0)
        for name, value in card.parameters.items()
        if name.startswith("weight of ")
    }
)
print(weights.sort_values(key=abs, ascending=False).head(10).to_string())

# %% [markdown]
"""## Can its relatedness be believed?

Of the first entries with a relatedness of .8, eight in ten should be relatives. What lies below the
cut-off is not shown, and an empty list is a right answer.
"""

# %%
bins = np.clip((judged.confidence * 10).astype(int), 0, 9)
shown = pd.DataFrame({"bin": bins, "relatedness": judged.confidence, "right": judged.is_right})
by_bin = shown.groupby("bin").agg(
    n=("right", "size"), said=("relatedness", "mean"), was=("right", "mean")
)
print(by_bin.round(2).to_string())
figure, axes = plt.subplots(figsize=(5, 5), layout="constrained")
axes.plot((0, 1), (0, 1), color="grey", linestyle=":")
axes.plot(by_bin["said"], by_bin["was"], marker="o")
axes.axvline(trained.model.calibration_.cutoff_, color="C1", linestyle="--", label="cut-off")
axes.set(xlabel="relatedness of the first", ylabel="share that are relatives")
axes.legend()
plt.show()

# %% [markdown]
"""## What would another cut-off give?

A stricter one shows less and is right more often; responders stop reading lists that are not.
"""

# %%
for cutoff in (0.5, 0.8, 0.9, 0.95):
    is_shown = judged.confidence >= cutoff
    precision = judged.is_right[is_shown].mean() if is_shown.any() else float("nan")
    found = (is_shown & judged.is_right)[judged.has_relevant].mean()
    print(
        f"{cutoff}: shown for {is_shown.mean():.2f}, right {precision:.2f}; "
        f"of those with a relative {found:.2f} find it"
    )
