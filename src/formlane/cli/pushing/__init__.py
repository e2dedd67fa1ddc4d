"""`formlane push`: from a file to accepted batches, once, in order."""
