"""Files on SFTP servers."""

from .connector import SFTP, SftpConnector
from .keys import KeyView, scan_host_keys

__all__ = ["SFTP", "KeyView", "SftpConnector", "scan_host_keys"]
