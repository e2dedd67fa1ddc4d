"""Salesforce core platform: REST API, collections, composite graphs, Bulk API 2.0, OAuth."""
