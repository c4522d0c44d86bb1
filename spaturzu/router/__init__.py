"""Which target serves a call: verdicts, retries, breakers, and the walk over the chain. Imports no SDK."""
