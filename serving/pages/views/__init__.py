"""The views: each collects what a page shows."""
