"""The command that trains on a synthetic company."""

from datetime import UTC, datetime

import typer

from features.cli.progress import show_step
from training.cli.train import train_command


def demo_command() -> None:
    """Train on a synthetic company, unless a champion exists."""
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
        typer.echo(f"champions exist ({', '.join(champions)}): nothing to train")
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
