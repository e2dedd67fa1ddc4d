"""The management API: everything but the taking in of records. One file per subject."""
