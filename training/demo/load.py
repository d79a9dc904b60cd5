"""The synthetic company's history, imported as the export of a real company is."""

from pathlib import Path
from tempfile import TemporaryDirectory

from features.domain.history import History
from features.imports.column_mapping import load_mapping
from features.imports.load_history import load_history
from training.demo.export import write_history, write_mapping
from training.demo.incidents import DemoCompany


def load_demo(company: DemoCompany) -> History:
    """Write a company's export and mapping to a temporary folder and read them.

    >>> from training.demo.incidents import generate_company
    >>> len(load_demo(generate_company(incidents=20)).incidents)
    20
    """
    with TemporaryDirectory() as folder:
        history, mapping = Path(folder) / "history.jsonl", Path(folder) / "mapping.yaml"
        write_history(company, history)
        write_mapping(mapping)
        return load_history(history, load_mapping(mapping))
