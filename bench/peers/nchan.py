"""nginx with its push module nchan, one worker: https://nchan.io"""

import os
from pathlib import Path

from bench.peers import Peer, padded
from bench.tools import nginx

CONFIGURATION = """
load_module {module};
{user}
daemon off;
worker_processes 1;
worker_rlimit_nofile {files};
pid {directory}/pid;
error_log {directory}/error.log warn;
events {{ worker_connections {files}; use epoll; multi_accept on; }}
http {{
    access_log off;
    keepalive_requests 1000000;
    nchan_shared_memory_size 256M;
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        location = /events {{
            nchan_subscriber eventsource;
            nchan_subscriber_first_message newest;
            nchan_channel_id news;
        }}
        location = /publish {{ nchan_publisher; nchan_channel_id news; }}
    }}
}}
"""
FILES = 15_000
ID = "id: 1234567890:12\n"  # its own, of which the last number may be a digit shorter


class Nchan(Peer):
    name = "nchan"
    key = 'data: {"n":'

    def command(self, directory: Path) -> list[str]:
        server, module = nginx()
        user = "" if os.geteuid() else "user root;"  # as another it could not read its directory
        told = CONFIGURATION.format(module=module, user=user, files=FILES, directory=directory, port=self.port)
        (directory / "nginx.conf").write_text(told)
        return [str(server), "-p", str(directory), "-e", f"{directory}/error.log", "-c", "nginx.conf"]

    def publish(self, number: int, size: int) -> None:
        around = len(f"event: new_request\n{ID}data: \n\n")
        body = padded(f'{{"n":{number},"x":"', '"}', size - around)
        self.posts(body, **{"X-EventSource-Event": "new_request"})
