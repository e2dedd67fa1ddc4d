"""Jira Cloud and Jira Data Center: issues over REST, as their public documents describe them."""
