/* The least that can send an event to many streams: one epoll, one send() a stream, no parsing worth the name.
 *
 *     loop PORT
 *
 * GET opens a stream; the body of any other request goes to all streams as it is, and then that is answered. A stream
 * whose buffer is full is closed: the client reads all the time, so none is.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define MOST 65536
#define HEAD "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\nretry: 1000\n\n"
#define DONE "HTTP/1.1 204 No Content\r\n\r\n"

static int streams[MOST], place_of[MOST], number; /* descriptors of the streams; the place of each in that */

static void gone(int fd) {
    if (place_of[fd]) {
        int last = streams[--number], place = place_of[fd] - 1;
        streams[place] = last;
        place_of[last] = place + 1;
        place_of[fd] = 0;
    }
    close(fd);
}

static void broadcast(const char *frame, size_t length) {
    for (int place = number - 1; place >= 0; place--)
        if (send(streams[place], frame, length, MSG_NOSIGNAL) != (ssize_t)length) gone(streams[place]);
}

static void serve(int fd) {
    static char request[65536];
    ssize_t length = recv(fd, request, sizeof request - 1, 0);
    if (length <= 0) {
        gone(fd);
        return;
    }
    request[length] = 0;
    if (!strncmp(request, "GET", 3)) {
        streams[number++] = fd;
        place_of[fd] = number;
        send(fd, HEAD, sizeof HEAD - 1, MSG_NOSIGNAL);
    } else {
        char *body = strstr(request, "\r\n\r\n");
        if (body) broadcast(body + 4, request + length - body - 4);
        send(fd, DONE, sizeof DONE - 1, MSG_NOSIGNAL);
    }
}

int main(int argc, char **argv) {
    int yes = 1, listening = socket(AF_INET, SOCK_STREAM, 0), hub = epoll_create1(0);
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct epoll_event event = {.events = EPOLLIN, .data.fd = listening}, ready[1024];
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max < MOST ? files.rlim_max : MOST;
    setrlimit(RLIMIT_NOFILE, &files);
    here.sin_port = htons(argc > 1 ? atoi(argv[1]) : 0);
    setsockopt(listening, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(listening, (struct sockaddr *)&here, sizeof here) || listen(listening, 4096)) perror("loop"), exit(1);
    epoll_ctl(hub, EPOLL_CTL_ADD, listening, &event);
    for (;;) {
        int events = epoll_wait(hub, ready, 1024, -1);
        for (int place = 0; place < events; place++) {
            int fd = ready[place].data.fd;
            if (fd != listening) {
                serve(fd);
                continue;
            }
            event.data.fd = accept4(listening, NULL, NULL, SOCK_NONBLOCK);
            setsockopt(event.data.fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
            if (event.data.fd >= 0) epoll_ctl(hub, EPOLL_CTL_ADD, event.data.fd, &event);
        }
    }
}
