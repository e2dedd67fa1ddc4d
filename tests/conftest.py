"""Fixtures for every tier live in plugin modules; this names them."""

pytest_plugins = ["tests.database"]
