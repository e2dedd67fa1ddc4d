"""Salesforce Marketing Cloud Engagement: rows of data extensions, contacts, and entries into journeys."""
