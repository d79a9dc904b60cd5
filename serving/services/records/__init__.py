"""Services about stored incidents: writing, reading and searching them, and their answers."""
