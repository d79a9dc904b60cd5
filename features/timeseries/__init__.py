"""Scores metric series: the loop over points, and the grid on which the points lie."""
