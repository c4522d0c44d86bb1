"""Where records of calls go: to a gateway, or into the embedded ledger, a SQLite file."""
