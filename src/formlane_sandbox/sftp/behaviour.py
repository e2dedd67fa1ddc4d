"""How an SFTP server may be odd."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct


class Behaviour(Struct, kw_only=True, forbid_unknown_fields=True):
    """What the server refuses, and how slow it is. The default is a good server.

    A request that is switched off answers OP_UNSUPPORTED although the server goes on advertising it: a
    lying server, as there are (draft-ietf-secsh-filexfer-02 section 7; OpenSSH PROTOCOL 4). `full_after`
    counts bytes written since the setting was made; a plain `rename` never overwrites, as with OpenSSH.
    """

    posix_rename: bool = True
    fsync: bool = True
    statvfs: bool = True
    setstat: bool = True
    append: bool = True
    rename: bool = True
    read_only: bool = False
    full_after: Annotated[int, Meta(ge=0)] | None = None
    delay: Annotated[float, Meta(ge=0, le=3600)] = 0.0
