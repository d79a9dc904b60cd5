"""The routes: each parses its request, calls a service and shapes the response."""
