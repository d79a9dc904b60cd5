"""The command that trains on a synthetic company."""

from collections.abc import Sequence
from datetime import UTC, datetime

import typer

from features.cli.progress import show_progress, show_step
from training.cli.options import actor_name
from training.cli.train import train_command


def demo_command() -> None:
    """Train on a synthetic company what has no version yet."""
    with show_step("loading libraries"):
        from features.home import open_home
        from features.store.store import open_home_store
        from models.artifacts.manifest import ArtifactFolder, is_current_format
        from models.artifacts.registry import ModelRegistry
        from training.demo.anomalies import record_day
        from training.demo.export import write_history, write_mapping, write_runbooks
        from training.demo.incidents import generate_company
        from training.settings import TrainingSettings

    settings = TrainingSettings()
    home = open_home(settings)
    with show_step("looking for champions"):
        registered = ModelRegistry(home.tracking_uri, settings.tenant).champions()
        champions = [
            target
            for target, version in registered.items()
            if is_current_format(ArtifactFolder(version.folder))
        ]
    if champions:
        _train_new_kinds(champions)
        return
    folder = home.root / "demo"
    folder.mkdir(exist_ok=True)
    with show_step("generating a company"):
        company = generate_company(end=datetime.now(UTC).replace(second=0, microsecond=0))
        write_history(company, folder / "history.jsonl")
        write_mapping(folder / "mapping.yaml")
        write_runbooks(folder / "runbooks")
    typer.echo(f"training on a SYNTHETIC company's history, written to {folder}")
    train_command(
        history=folder / "history.jsonl",
        mapping=folder / "mapping.yaml",
        runbooks=folder / "runbooks",
    )
    typer.echo("scoring a week of its SYNTHETIC metrics, with a deploy that breaks a service")
    with (
        open_home_store(settings, home) as store,
        show_step("scoring a week of metrics"),
    ):
        incident = record_day(company, home, store)
    typer.echo(f"an incident with changes and unusual metrics: {incident}")


def _train_new_kinds(champions: Sequence[str]) -> None:
    """Train what the home's own history can train and what has no version at all."""
    from features.home import open_home
    from features.store.store import open_home_store
    from models.artifacts.registry import ModelRegistry
    from training.cli.output import describe_report
    from training.demo.untrained import train_untrained, untrained_targets
    from training.pipeline.report import TrainingReport
    from training.settings import TrainingSettings

    settings, now = TrainingSettings(), datetime.now(UTC)
    home = open_home(settings)
    plan = settings.plan(home, actor=actor_name())
    exist = f"champions exist ({', '.join(champions)})"
    with open_home_store(settings, home) as store:
        with show_step("looking for what has no version"):
            registry = ModelRegistry(home.tracking_uri, settings.tenant)
            targets = untrained_targets(store, registry, plan, now)
        if not targets:
            typer.echo(f"{exist}: nothing to train")
            return
        typer.echo(f"{exist}; training what has no version yet: {', '.join(targets)}")
        with show_progress("training") as progress:
            results = list(train_untrained(targets, plan, store, now, progress))
    for target, result in results:
        if isinstance(result, TrainingReport):
            describe_report(result)
        else:
            typer.echo(f"{target}: not trained: {str(result).removeprefix(f'{target}: ')}")
