"""What happens to a model in service: promotion, rollback and audit."""
