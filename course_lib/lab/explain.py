"""What an error of the operating system means here, in one line, and what to do about it.

The notebooks and the command line say these lines. An exposed address gets one too.
"""

import errno
import ipaddress
import socket

from course_lib.servers.base import Address

RESERVED_PORTS = 1024
"""Ports below this one belong to the administrator on most systems."""

ANY_HOST = frozenset({"", "0.0.0.0", "::"})
"""A server bound to one of these listens on every address of its machine."""


def one_line(error: BaseException) -> str:
    """Return the error's type and the first line of its message."""
    message = str(error).strip().partition("\n")[0]
    return f"{type(error).__name__}: {message}" if message else type(error).__name__


def explain(error: OSError | OverflowError, address: Address) -> str:
    """Say in one line what went wrong when a server was bound to ``address``, or a client connected to it."""
    host, port = address
    if isinstance(error, OverflowError):
        return f"port {port} is out of range: choose one from 0 to 65535"
    if isinstance(error, socket.gaierror):
        return f"no machine is known by the name {host!r}: check the spelling"
    if isinstance(error, TimeoutError):
        return f"{host}:{port} does not answer: check the host and the port"
    explanations = {
        errno.EADDRINUSE: f"port {port} is in use: choose another, or 0 for any free one",
        errno.EACCES: _not_permitted(port),
        errno.EPERM: _not_permitted(port),
        errno.EADDRNOTAVAIL: f"{host} is no address of this machine: use 127.0.0.1",
        errno.EMFILE: "no descriptor is left: stop some servers and clients, or raise `ulimit -n`",
        errno.ENFILE: "the whole system has no descriptor left: close some programs",
        errno.ECONNREFUSED: f"nobody listens on {host}:{port}: start the server first, or check the port",
        errno.ECONNRESET: f"{host}:{port} has broken off the connection",
        errno.EPIPE: f"{host}:{port} has broken off the connection",
        errno.EHOSTUNREACH: f"{host} cannot be reached from this machine: check the host",
        errno.ENETUNREACH: f"{host} cannot be reached from this machine: check the host",
    }
    return explanations.get(error.errno or 0, f"{host}:{port}: {error.strerror or error}")


def _not_permitted(port: int) -> str:
    if 0 < port < RESERVED_PORTS:
        return f"port {port} is reserved: choose one from {RESERVED_PORTS} up, or 0 for any free one"
    return f"this system does not permit port {port}: choose another, or 0 for any free one"


def exposure_warning(host: str) -> str | None:
    """Say in one line who can reach a server bound to ``host``; None when only this machine can."""
    if host in ANY_HOST:
        who = "every machine in your network"
    elif _is_loopback(host):
        return None
    else:
        who = f"every machine that can reach {host}"
    return f"{who} can connect to a server on {host or '0.0.0.0'}; 127.0.0.1 is for this machine only"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"  # a name; only this one is the same everywhere
