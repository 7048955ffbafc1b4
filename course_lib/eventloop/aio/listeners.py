"""Sockets that listen, made of addresses or of a path.

Read server.py first. Next: serving.py.
"""

import errno
import os
import socket
import stat
from typing import Any

from course_lib.eventloop.aio.private import new_socket


def listeners(infos: list[Any], options: list[int]) -> list[Any]:
    """Return a socket for each address. Raises OSError where one is taken, or none can be had."""
    sockets: list[Any] = []
    try:
        for family, kind, proto, _, address in infos:
            try:
                sock = new_socket(family, kind, proto)
            except OSError:
                continue  # a family that this system does not have
            sockets.append(sock)
            for option in options:
                sock.setsockopt(socket.SOL_SOCKET, option, 1)
            if family == socket.AF_INET6:  # one socket, one family
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            try:
                sock.bind(address)
            except OSError as error:
                if error.errno == errno.EADDRNOTAVAIL:
                    sockets.pop().close()
                    continue
                text = f"error while attempting to bind on address {address!r}: {str(error).lower()}"
                raise OSError(error.errno, text) from None
        if not sockets:
            raise OSError(f"could not bind on any address out of {[info[4] for info in infos]!r}")
    except BaseException:
        for sock in sockets:
            sock.close()
        raise
    return sockets


def bound_to_path(path: Any) -> socket.socket:
    """Return a socket that is bound to ``path``; one that a dead server left there is removed."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        remove_dead(path)
        sock.bind(path)
    except OSError as error:
        sock.close()
        if error.errno == errno.EADDRINUSE:
            raise OSError(errno.EADDRINUSE, f"Address {path!r} is already in use") from None
        raise
    return sock


def remove_dead(path: Any) -> None:
    """Remove the socket that a dead server has left at ``path``; nothing where there is none."""
    if inode_of(path) and stat.S_ISSOCK(os.stat(path).st_mode):
        os.remove(path)


def inode_of(path: Any) -> int | None:
    """Return the number of the file at ``path``; None where there is none. A name with a NUL in front, as
    Linux has them, is in no file system."""
    if not path or path[0] in (0, "\0"):
        return None
    try:
        return os.stat(path).st_ino
    except FileNotFoundError:
        return None
