"""What services ask of a store, subject by subject. `Store` opens a `Unit` in one tenant's name."""
