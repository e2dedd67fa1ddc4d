"""The demo of `formlane serve --demo`: a sandbox to deliver to, and a tenant with something to deliver."""
