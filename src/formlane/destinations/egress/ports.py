"""Which ports a tenant may name."""

from __future__ import annotations

WEB_PORTS = frozenset({80, 443})
"""Ports below 1024 that a web address may have."""

SSH_PORTS = frozenset({22})
"""Ports below 1024 that an SFTP host may have."""

DENIED_PORTS = frozenset(
    {
        1433,  # SQL Server
        1521,  # Oracle
        2049,  # NFS
        2375,  # Docker without TLS
        2376,  # Docker
        2379,  # etcd
        2380,  # etcd peers
        3306,  # MySQL
        3389,  # remote desktop
        4369,  # Erlang port mapper
        5432,  # PostgreSQL
        5672,  # AMQP
        5900,  # VNC
        5984,  # CouchDB
        6000,  # X11
        6379,  # Redis
        6443,  # Kubernetes API
        7000,  # Cassandra
        8500,  # Consul
        9042,  # Cassandra clients
        9092,  # Kafka
        9200,  # Elasticsearch
        9300,  # Elasticsearch nodes
        10250,  # kubelet
        11211,  # memcached
        27017,  # MongoDB
    }
)
"""Ports of services that speak no HTTP and no SSH, or that only insiders should reach."""


def is_open(port: int, low: frozenset[int]) -> bool:
    """Whether a port may be called: one of `low`, or 1024-65535 without the denied ones."""
    return port in low or (1024 <= port <= 65535 and port not in DENIED_PORTS)
