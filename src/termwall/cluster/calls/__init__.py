"""HTTP calls that another node answers, or all nodes together."""
