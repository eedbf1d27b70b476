"""Policies: YAML files that say in sentences what is not wanted, and what is fine."""
