"""A stand-in for a ServiceNow instance: Table, Batch and Import Set API, OAuth, dictionary."""
