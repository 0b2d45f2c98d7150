"""The only writers of sign-ins: `passwords` finds out who somebody is, `sessions` and `connections` keep them signed in."""
