"""The demo of `formlane serve --demo`: a sandbox to deliver to, and a tenant with something to deliver."""

from formlane.cli.demo.login import DemoLogin
from formlane.cli.demo.place import DemoPlace
from formlane.cli.demo.preparation import prepare_demo

__all__ = ["DemoLogin", "DemoPlace", "prepare_demo"]
