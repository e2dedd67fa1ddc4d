"""Runs every campaign in a process of its own and writes one report. See docs/contributing/campaigns.md."""
