"""Programs on pseudo-terminals: how they start, are read, written, resized and reaped."""
