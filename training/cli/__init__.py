"""The commands that train, evaluate, promote and monitor; most import libraries when they run."""
