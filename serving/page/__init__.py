"""The responder's page: plain HTML that works without script, over the same services."""
