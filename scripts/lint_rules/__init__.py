"""Rules of the house that the linter cannot know: one file each, all run by `make check`.

A rule looks at one file and yields findings. Rules that ruff already has (naive times, imports inside
functions, prints, blind excepts) are switched on in `pyproject.toml` instead.
"""
