"""The composition root: from settings to services with their ports plugged in, and to running roles.

The only package that knows which store, dispatch and vault are in use. Import from its modules: `hub`,
`roles`, `http`, `installation`, `operating`; each brings only what it needs, for the sake of start-up time.
"""
