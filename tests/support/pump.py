"""One thread that moves all bytes between a pty and those who look at it."""

from __future__ import annotations

import os
import select
import threading
from collections.abc import Callable
from contextlib import suppress

READ = 65536  # bytes at a time
SLICE = 1024  # bytes shown at a time: showing is slow, and the program must not wait for it


class Pump:
    """Reads `fd` as fast as the program writes, and writes as fast as it reads.

    `read` gets bytes as they come and `show` the same bytes in small slices as there is time, both
    in the pump's thread; `end` is called after the last slice, when the program has let go of the
    terminal. A queue keeps what is sent from blocking anybody: the thread that would have to
    read on may be the one that writes.
    """

    def __init__(
        self,
        fd: int,
        *,
        read: Callable[[bytes], None],
        show: Callable[[bytes], None],
        end: Callable[[], None],
    ) -> None:
        self._fd = fd
        self._read = read
        self._show = show
        self._end = end
        self._lock = threading.Lock()
        self._outgoing = bytearray()
        self._unshown = bytearray()
        self._over = False
        self._stopping = False
        self._bell, self._ringer = os.pipe()
        os.set_blocking(fd, False)
        os.set_blocking(self._ringer, False)
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Let go of the pty; a pump that has stopped stays so."""
        if self._stopping:
            return
        self._stopping = True
        self._ring()
        self._thread.join(timeout=5)
        os.close(self._bell)
        os.close(self._ringer)

    def send(self, data: bytes) -> None:
        """Queue bytes for the program."""
        with self._lock:
            self._outgoing += data
        self._ring()

    def _ring(self) -> None:
        with suppress(BlockingIOError):  # a full pipe rings as loud
            os.write(self._ringer, b"!")

    def _run(self) -> None:
        while not self._stopping and not (self._over and not self._unshown):
            self._wait()
            while self._take():
                pass
            self._give()
            piece = bytes(self._unshown[:SLICE])
            del self._unshown[:SLICE]
            if piece:
                self._show(piece)
        self._end()

    def _wait(self) -> None:
        """Sleep until there is something to do."""
        if self._over or self._unshown:
            return
        with self._lock:
            writing = [self._fd] if self._outgoing else []
        readable, _, _ = select.select([self._fd, self._bell], writing, [])
        if self._bell in readable:
            os.read(self._bell, READ)

    def _take(self) -> bool:
        """Read what the program has written so far; False when that is nothing."""
        if self._over:
            return False
        try:
            data = os.read(self._fd, READ)
        except BlockingIOError:
            return False
        except OSError:  # Linux says EIO where others say end of file
            data = b""
        self._over = not data
        self._unshown += data
        self._read(data)
        return bool(data)

    def _give(self) -> None:
        """Write as much as the terminal's queue has room for."""
        with self._lock:
            try:
                written = os.write(self._fd, self._outgoing) if self._outgoing else 0
            except BlockingIOError:
                written = 0
            except OSError:  # nobody reads any more
                written = len(self._outgoing)
            del self._outgoing[:written]
