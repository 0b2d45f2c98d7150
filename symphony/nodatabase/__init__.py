"""The database engine of a process that was told of no database: everything works until somebody connects."""
