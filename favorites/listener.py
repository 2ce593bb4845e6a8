"""The listening socket, taken before anything else is started."""

import errno
import os
import socket

# As the kernel allows (somaxconn): after a restart all knock at once, and who finds no place is away for seconds.
BACKLOG = 65_535
# The kernel keeps a connection until it sends something: eight idle ones, a browser's preconnects, would hold the eight
# threads for 5 s.
DEFER_SECONDS = 30


class CannotListen(Exception):
    """Why, and what to do, as one sentence."""


def listen(host: str, port: int) -> int:
    """The descriptor of a socket that listens there; the caller owns it. CannotListen."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        listening = socket.create_server(address[:2], family=family, backlog=BACKLOG)
    except OSError as error:  # gaierror is one
        raise CannotListen(_sentence(error, host, port)) from error
    if hasattr(socket, "TCP_DEFER_ACCEPT"):
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, DEFER_SECONDS)
    return listening.detach()


def _sentence(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        other = port + 1 if port < 65535 else 8001
        return f"Port {port} is in use: stop what uses it, or take another one, e.g. `PORT={other} make demo`."
    if error.errno == errno.EACCES:
        return f"Port {port} is not ours to use: take one above 1023, e.g. `PORT=8001 make demo`."
    why = os.strerror(error.errno) if error.errno and error.errno > 0 else error  # getaddrinfo's numbers are its own
    return f"{host} is no address of this machine ({why}): correct HOST."
