"""The training commands; an error that users can correct prints one line and exits with code 2."""

from features.cli.command_errors import one_line_errors
from features.cli.console import command_group
from training.cli.audit import audit_command
from training.cli.demo import demo_command
from training.cli.evaluate import evaluate_command
from training.cli.gaps import gaps_command
from training.cli.modes import mode_command, modes_command
from training.cli.monitor import monitor_command
from training.cli.promote import promote_command, rollback_command
from training.cli.retrain import retrain_command
from training.cli.train import train_command

app = command_group()

app.command("train")(one_line_errors(train_command))
app.command("evaluate")(one_line_errors(evaluate_command))
app.command("promote")(one_line_errors(promote_command))
app.command("rollback")(one_line_errors(rollback_command))
app.command("audit")(one_line_errors(audit_command))
app.command("mode")(one_line_errors(mode_command))
app.command("modes")(one_line_errors(modes_command))
app.command("gaps")(one_line_errors(gaps_command))
app.command("monitor")(one_line_errors(monitor_command))
app.command("retrain")(one_line_errors(retrain_command))
app.command("demo")(one_line_errors(demo_command))
