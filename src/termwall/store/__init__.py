"""What survives a restart of the server, in one SQLite file of the data folder."""
