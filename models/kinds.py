"""The one list of kinds of model; the command line, the contract tests and the README follow it."""
