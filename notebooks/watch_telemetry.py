# %% [markdown]
"""# What is anomalous, and how often are alarms false?

The detector compares each series with its own past; its sensitivity is set as false alarms per
week. The example is a week of the synthetic company, in which a deploy breaks one service. Use your
own series instead, as an array of shape (series, points).
"""

# %%
import numpy as np
import pandas as pd
from matplotlib import pyplot as plt

from features.timeseries.state import CHANNELS
from models.timeseries.anomaly_flags import find_flags
from models.timeseries.anomaly_model import DAYS_BEFORE_FLAGS, AnomalyModel
from training.demo.incidents import generate_company
from training.demo.telemetry import STEP_SECONDS, generate_day

day = generate_day(generate_company(incidents=20).dependencies)
deployed_at = day.culprit.at
values = np.stack([series.values for series in day.series])
model = AnomalyModel(step_seconds=STEP_SECONDS)
scores = model.update(model.start(len(values)), day.times, values)
print(f"{len(values)} series, {len(day.times):,} points each; the deploy broke {day.service}")

# %% [markdown]
"""## Which series moved first?

Flags at a budget of one false alarm per week and series, in order of onset. Services that depend on
the broken one follow minutes later, with a smaller effect.
"""

# %%
flags = [
    (series.name, flag)
    for number, series in enumerate(day.series)
    for flag in find_flags(
        day.times,
        values[number],
        scores.of_series(number),
        budget_per_week=1,
        step_seconds=STEP_SECONDS,
    )
]
recent = [
    {
        "series": name,
        "onset": f"{flag.onset_at:%d %b %H:%M}",
        "effect": round(flag.effect, 3),
        "explained by": flag.channel,
        "alarms a week": flag.alarms_per_week,
    }
    for name, flag in sorted(flags, key=lambda named_flag: named_flag[1].onset_at)
]
print(f"deployed {deployed_at:%d %b %H:%M}")
print(pd.DataFrame(recent).to_string(index=False))

# %% [markdown]
"""## Which values did it expect?

The band shows the usual values of the series at that time of day. The upper plot is the score: the
mean surprise of the channels. By chance it reaches 2.3 about once a week.
"""

# %%
names = [series.name for series in day.series]
first = names.index(recent[-1]["series"])
hours = (day.times - deployed_at.timestamp()) / 3600
shown = hours > -12
figure, (above, below) = plt.subplots(2, sharex=True, figsize=(9, 5), layout="constrained")
above.plot(hours[shown], scores.score[first][shown])
above.set(ylabel="score", title=day.series[first].name)
below.plot(hours[shown], values[first][shown], linewidth=1)
below.fill_between(hours[shown], scores.lower[first][shown], scores.upper[first][shown], alpha=0.2)
below.set(xlabel="hours after the deploy", ylabel=day.series[first].unit)
plt.show()

# %% [markdown]
"""## How often are alarms false?

Before the deploy nothing was wrong, so every flag is a false alarm. A budget is a long-term rate.
There are no flags in the first five days.
"""

# %%
is_quiet = day.times < deployed_at.timestamp()
weeks = len(values) * (is_quiet.sum() * STEP_SECONDS / 86_400 - DAYS_BEFORE_FLAGS) / 7
for budget in (0.5, 1, 2, 7):
    alarms = sum(
        flag.detected_at < deployed_at
        for number in range(len(values))
        for flag in find_flags(
            day.times,
            values[number],
            scores.of_series(number),
            budget_per_week=budget,
            step_seconds=STEP_SECONDS,
        )
    )
    print(f"budget {budget} a week: {alarms / weeks:.2f} false alarms a week and series")

# %% [markdown]
"""## Which deviations does it measure?"""

# %%
print(", ".join(CHANNELS))
