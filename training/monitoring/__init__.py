"""How the models in service do, and what changed since they were trained."""
