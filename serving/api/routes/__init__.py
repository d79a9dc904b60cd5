"""The routes: each parses, calls its service and shapes the answer."""
