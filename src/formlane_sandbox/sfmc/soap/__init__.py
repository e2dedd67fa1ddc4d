"""The SOAP API: retrieve, rows, describe."""
