"""ServiceNow: records of tables, through the Batch API or import sets."""
