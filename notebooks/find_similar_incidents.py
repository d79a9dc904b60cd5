# %% [markdown]
"""# What makes two incidents similar?

The ranker orders incidents by wording, rare words in common, services, facts and time. What did it
learn from the links of a history, is its relatedness calibrated, and where does it fail? The
example is the synthetic company; use your own history instead.
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
"""## Does it find related incidents?

Each search sees only incidents that opened before, and uses a ranker that was not fitted on the
incident's own group. The baseline orders by the cosine of sentence vectors only.
"""

# %%
print(
    pd.DataFrame(
        {
            "metric": metric.name,
            "value": metric.value,
            "low": metric.low,
            "high": metric.high,
            "baseline": metric.baseline,
        }
        for metric in trained.metrics
    )
    .round(3)
    .to_string(index=False)
)

# %% [markdown]
"""## Which features count most?

Weights are on the scale of log-odds; each feature has its own usual range.
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
"""## Is its relatedness calibrated?

Of the first entries with a relatedness of .8, eight in ten should be related. Entries below the
cutoff are not shown, so the list may be empty.
"""

# %%
bins = np.clip((judged.confidence * 10).astype(int), 0, 9)
first = pd.DataFrame({"bin": bins, "relatedness": judged.confidence, "right": judged.is_right})
by_bin = first.groupby("bin").agg(
    n=("right", "size"), relatedness=("relatedness", "mean"), related_share=("right", "mean")
)
print(by_bin.round(2).to_string())
figure, axes = plt.subplots(figsize=(5, 5), layout="constrained")
axes.plot((0, 1), (0, 1), color="grey", linestyle=":")
axes.plot(by_bin["relatedness"], by_bin["related_share"], marker="o")
axes.axvline(trained.model.calibration_.cutoff_, color="C1", linestyle="--", label="cutoff")
axes.set(xlabel="relatedness of the first entry", ylabel="share that is related")
axes.legend()
plt.show()

# %% [markdown]
"""## What would another cutoff give?

A higher cutoff shows fewer entries and is right more often. Responders stop reading lists that are
often wrong.
"""

# %%
for cutoff in (0.5, 0.8, 0.9, 0.95):
    is_shown = judged.confidence >= cutoff
    precision = judged.is_right[is_shown].mean() if is_shown.any() else float("nan")
    recall = (is_shown & judged.is_right)[judged.has_relevant].mean()
    print(
        f"{cutoff}: shown for {is_shown.mean():.2f} of searches, right in {precision:.2f}; "
        f"of the searches with a related incident {recall:.2f} find it"
    )
