"""The peers' side of `benchmarks.rescue`: scripts that run in environments of their own and import nothing of ours."""
