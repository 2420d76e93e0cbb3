"""A node's sessions for the other nodes' clients, and theirs for its own: what is sent both ways."""
