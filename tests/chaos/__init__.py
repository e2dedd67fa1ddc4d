"""The chaos campaign: the product as real processes, killed and stopped under load, and an oracle that knows
every acknowledged record and every effect. See docs/contributing/campaigns.md.
"""
