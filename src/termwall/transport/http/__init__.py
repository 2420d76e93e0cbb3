"""The HTTP API (A1-A4): a thin skin over `TerminalService`. Bodies are the wire's types; errors have one shape."""
