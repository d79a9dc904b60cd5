"""The program `python -m training`: the commands of `precedent` that training defines."""

from importlib.metadata import entry_points

from features.cli.console import GROUP, console

app = console(entry for entry in entry_points(group=GROUP) if entry.module.startswith("training."))
