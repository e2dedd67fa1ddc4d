"""An SFTP server for demonstrations, and for behaviour that OpenSSH does not have."""
