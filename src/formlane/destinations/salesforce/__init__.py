"""Salesforce's core platform: records of any object, by REST and Bulk API 2.0."""
