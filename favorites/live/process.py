"""`python -m favorites.live.process LOCK`: the hub and its feed in a process of their own (see `favorites.apart`).

No ticker: deadlines belong to the web processes, whose code a deploy renews.
"""

import os
import signal
import sys

from favorites import apart, log, patience, postgres
from favorites.live import hub_of
from favorites.live.door import Door
from favorites.live.feed import Feed
from favorites.live.hub import SWITCH
from favorites.models import ProcessKind
from favorites.settings import current


def main(lock: int) -> None:
    """Serves until nobody needs it. `lock`: the descriptor of its lock, inherited, and held until its end."""
    os.umask(0o077)
    os.set_inheritable(lock, False)
    sys.setswitchinterval(SWITCH)
    settings = current()
    log.configure(as_json=settings.log_json)
    listener = apart.listen(settings)
    hub = hub_of(settings)
    feed = Feed(hub, lambda _deadline: None, kind=ProcessKind.HUB)
    hub.each_second += [feed.watch, patience.watch]
    door = Door(listener, hub, feed)
    signal.signal(signal.SIGTERM, lambda *_: door.tell_to_stop())
    for part in (hub, feed, door):
        part.start()
    door.wait()
    apart.listening(settings).unlink(missing_ok=True)  # who comes now starts another
    for running in (door, feed, hub):
        running.stop()
    if not settings.database_url:
        postgres.release(settings.instance_dir)


if __name__ == "__main__":
    main(int(sys.argv[1]))
