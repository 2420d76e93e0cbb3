"""A session as it decides: what is done to it and heard of it goes in, effects come out. No I/O, no clock."""
