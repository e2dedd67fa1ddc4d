"""A webhook receiver by the Standard Webhooks specification."""
