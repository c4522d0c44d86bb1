"""Which target serves a call: verdicts, retries, cooldowns, and the walk over the chain. Imports no SDK."""
