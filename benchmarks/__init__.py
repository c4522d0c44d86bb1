"""What spaturzu costs, each time against the code that one would write without it, in the same run.

    python -m benchmarks [plain stream hop wall imports translation rescue] [--json]

The bounds are the project's own (docs/contributing.md). Not part of the tests: a busy machine lies.
"""
