"""Salesforce Marketing Cloud Engagement: tokens, data extensions over REST and SOAP, contacts, journeys."""
