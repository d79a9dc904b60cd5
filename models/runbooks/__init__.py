"""The model that suggests runbooks."""
