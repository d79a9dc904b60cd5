"""The `watch` command, which watches metric series."""

from pathlib import Path
from typing import Annotated

import typer

from features.cli.progress import show_step


def watch_command(
    config: Annotated[Path, typer.Option(help="YAML file that says what to watch.")],
) -> None:
    """Watch series in Prometheus, and alert on anomalies."""
    with show_step("starting", only_on_terminal=True):
        from serving.startup import read_settings
        from serving.watch.config import load_config
        from serving.watch.session import watch

        watch_config = load_config(config)
        settings = read_settings()
    watch(watch_config, settings)
