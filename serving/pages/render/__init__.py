"""How values become HTML."""
