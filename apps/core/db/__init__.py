"""What migrations and models of every app share."""
