"""Jira: records as issues of Jira Cloud or Jira Data Center."""
