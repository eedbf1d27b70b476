"""YAML 1.2 with the place of every value, and limits on what a file may cost to read."""
