"""Webhook: records as signed JSON to an address of the customer's."""
