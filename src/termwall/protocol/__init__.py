"""The wire, pure: bytes to messages and back, and one connection as a state machine."""
