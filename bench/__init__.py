"""Measures Formlane against what a bare loop, a bare route or a bare insert reaches on the same machine."""
