"""SetFit (Tunstall et al. 2022) on the same encoder, where its package is installed beside ours."""

from collections.abc import Sequence
from dataclasses import replace
from tempfile import TemporaryDirectory

import numpy as np
from label_counts import LabelCount, Source, average, labels_of
from peers import peer_text

from features.domain.report import IncidentReport, ResolvedIncident
from features.encoding.encoder_weights import MINILM, find_export, find_weights
from features.home import Home
from training.evaluation.bootstrap import Floats

# One pass over ten pairs of each kind for a label: what a processor manages, and half of what the
# authors used on a graphics card.
_PAIRS_PER_LABEL = 10
_JUDGED = 1000


def measure_setfit(name: str, home: Home, labels: int) -> list[LabelCount]:
    """Measure SetFit after so many labels of the first drawing, on 1,000 judged rows of it."""
    source = Source(name, home)
    drawing = source.draw(0)
    drawing = replace(drawing, judged=drawing.judged[:_JUDGED])

    def answer(seen: Sequence[ResolvedIncident], asked: Sequence[IncidentReport]) -> Floats:
        return _fit_and_answer(seen, asked, source.target)

    return [average(labels, "SetFit", [source.measure(answer, drawing, labels)])]


def _fit_and_answer(
    seen: Sequence[ResolvedIncident], asked: Sequence[IncidentReport], target: str
) -> Floats:
    # Only here, since setfit is no dependency of this project.
    from datasets import Dataset
    from setfit import SetFitModel, Trainer, TrainingArguments

    model = SetFitModel.from_pretrained(str(find_weights(MINILM)))
    model.model_body.max_seq_length = find_export(MINILM).description.token_limit
    texts = [peer_text(incident.report) for incident in seen]
    learned = Dataset.from_dict({"text": texts, "label": labels_of(seen, target).tolist()})
    with TemporaryDirectory() as folder:
        how = TrainingArguments(
            output_dir=folder,
            batch_size=16,
            num_epochs=1,
            num_iterations=_PAIRS_PER_LABEL,
            report_to="none",
            save_strategy="no",
            seed=0,
        )
        Trainer(model=model, args=how, train_dataset=learned).train()
    return np.asarray(model.predict_proba([peer_text(report) for report in asked]))
