"""The model that tells whether a report is like the incidents that the models learned from."""
