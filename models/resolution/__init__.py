"""When incidents are resolved, whether their target time is missed, and who they go to."""
