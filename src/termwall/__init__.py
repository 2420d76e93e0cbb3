"""A project's live terminals, in every browser, in sync."""
