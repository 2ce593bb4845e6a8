/* Holds many event streams open and notes when every event arrives at each: one process, one epoll.
 *
 *     client ADDRESS PORT HEADS EVENT KEY
 *
 * HEADS is a file of request heads, each ended by its blank line; stream i sends head i, modulo their number. Events
 * named EVENT count; their number stands behind KEY at the beginning of a line ("id: "). Times are nanoseconds of
 * CLOCK_MONOTONIC. One command a line, one line of JSON an answer:
 *
 *     open N SECONDS     opens N streams, at most 128 at a time; answers when all are open, or after SECONDS
 *     wait ID SECONDS    answers when every stream has event ID
 *     back N SECONDS     answers when N streams or more have broken since they were opened, and all are open again
 *     report ID:BEGAN …  of these events: lost, twice, percentiles of the milliseconds since BEGAN
 *     forget             what has arrived so far
 *     reconnect          from now on a stream that breaks comes back: after its `retry:`, with its Last-Event-ID
 *     keep N             the first N streams; the others are closed, and what has arrived is forgotten
 *     close              all streams
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "record.h"

#define AT_A_TIME 128
#define PIECE 65536
#define PATIENCE 1000 /* milliseconds before a stream comes back that was told nothing, as browsers have it */

enum state { CLOSED, CONNECTING, BEGINNING, OPEN, AWAY };

struct stream {
    enum state state;
    int fd, head;
    int retry;        /* milliseconds */
    int64_t due;      /* when it is to come back */
    uint64_t last_id; /* the browser's Last-Event-ID; 0: none */
    char *rest;       /* an unfinished line */
    int rest_length;
    uint64_t key; /* of the frame that is being read */
    int size, counts;
};

static struct stream *streams;
static int number, opening, is_open, refused, drops, reconnects;
static char **heads;
static int heads_number, hub;
static const char *event_name, *key_prefix;
static struct sockaddr_in server;
static uint32_t source; /* 127.0.0.x that we connect from; 0: the kernel's choice */
static int64_t first_drop, all_back;

static int64_t now(clockid_t clock) {
    struct timespec time;
    clock_gettime(clock, &time);
    return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static void read_heads(const char *path) {
    FILE *file = fopen(path, "r");
    if (!file) perror(path), exit(1);
    char *text = NULL;
    size_t room = 0;
    if (getdelim(&text, &room, 0, file) < 0) fprintf(stderr, "%s is empty\n", path), exit(1);
    fclose(file);
    for (char *end; (end = strstr(text, "\r\n\r\n")); text = end + 4) {
        end[2] = 0; /* the blank line is sent behind what may be added */
        heads = realloc(heads, (heads_number + 1) * sizeof *heads);
        heads[heads_number++] = text;
    }
}

/* ---- a stream's life ---- */

static void watch(struct stream *stream, int operation, uint32_t events) {
    struct epoll_event event = {.events = events, .data.ptr = stream};
    epoll_ctl(hub, operation, stream->fd, &event);
}

static void left(struct stream *stream) {
    if (stream->state == OPEN) {
        is_open--;
        drops++;
        if (!first_drop) first_drop = now(CLOCK_MONOTONIC);
    } else if (!reconnects)
        refused++;
    if (stream->state == CONNECTING || stream->state == BEGINNING) opening--;
    close(stream->fd);
    stream->rest_length = stream->size = stream->counts = 0;
    stream->state = reconnects ? AWAY : CLOSED;
    stream->due = now(CLOCK_MONOTONIC) + stream->retry * 1000000LL;
}

static void connect_(struct stream *stream) {
    int yes = 1;
    stream->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (stream->fd < 0) perror("socket"), exit(1);
    setsockopt(stream->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    if (source) {
        struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(source)};
        setsockopt(stream->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &yes, sizeof yes);
        bind(stream->fd, (struct sockaddr *)&from, sizeof from);
    }
    stream->state = CONNECTING;
    opening++;
    if (connect(stream->fd, (struct sockaddr *)&server, sizeof server) && errno != EINPROGRESS) {
        if (errno == EADDRNOTAVAIL) source = source ? source + 1 : INADDR_LOOPBACK + 1; /* out of ports */
        left(stream);
        return;
    }
    watch(stream, EPOLL_CTL_ADD, EPOLLOUT);
}

static void ask(struct stream *stream) {
    char resume[64] = "", head[8192];
    if (stream->last_id) snprintf(resume, sizeof resume, "Last-Event-ID: %llu\r\n", (unsigned long long)stream->last_id);
    int length = snprintf(head, sizeof head, "%s%s\r\n", heads[stream->head], resume);
    if (send(stream->fd, head, length, MSG_NOSIGNAL) != length) {
        left(stream);
        return;
    }
    stream->state = BEGINNING;
    watch(stream, EPOLL_CTL_MOD, EPOLLIN);
}

static void opened(struct stream *stream) {
    stream->state = OPEN;
    stream->size = 0;
    opening--;
    if (++is_open == number && drops) all_back = now(CLOCK_MONOTONIC);
}

/* ---- what it says ---- */

static int begins(const char *line, int length, const char *prefix) {
    int wanted = strlen(prefix);
    return length >= wanted && !memcmp(line, prefix, wanted);
}

static void end_of_frame(struct stream *stream, int64_t at) {
    if (stream->counts && stream->key) record_arrival(stream->key, stream - streams, at, stream->size);
    stream->key = stream->size = stream->counts = 0;
}

/* A line without its end; size counts that, too. 0: the stream has ended by it. */
static int hear(struct stream *stream, char *line, int length, int64_t at) {
    if (stream->state == BEGINNING) {
        if (begins(line, length, "HTTP/1.") && !begins(line + 8, length - 8, " 200")) return left(stream), 0;
        if (length == 1) opened(stream); /* its carriage return */
        return 1;
    }
    if (length && line[length - 1] == '\r') return 1; /* of a chunk: it belongs to no frame */
    stream->size += length + 1;
    if (!length) return end_of_frame(stream, at), 1;
    if (begins(line, length, key_prefix)) stream->key = strtoull(line + strlen(key_prefix), NULL, 10);
    if (begins(line, length, "id: ")) stream->last_id = strtoull(line + 4, NULL, 10);
    else if (begins(line, length, "event: "))
        stream->counts = length - 7 == (int)strlen(event_name) && begins(line + 7, length - 7, event_name);
    else if (begins(line, length, "retry: "))
        stream->retry = atoi(line + 7);
    return 1;
}

static void keep(struct stream *stream, const char *piece, int length) {
    stream->rest = realloc(stream->rest, stream->rest_length + length);
    memcpy(stream->rest + stream->rest_length, piece, length);
    stream->rest_length += length;
}

static void receive(struct stream *stream) {
    static char piece[PIECE + 1];
    ssize_t got = recv(stream->fd, piece, PIECE, 0);
    int64_t at = now(CLOCK_MONOTONIC);
    if (got <= 0) {
        if (got == 0 || (errno != EAGAIN && errno != EINTR)) left(stream);
        return;
    }
    piece[got] = 0; /* no number runs beyond it */
    char *line = piece, *end = piece + got;
    for (char *stop; (stop = memchr(line, '\n', end - line)); line = stop + 1) {
        int length = stop - line;
        if (stream->rest_length) {
            keep(stream, line, length + 1);
            length = stream->rest_length - 1;
            stream->rest_length = 0;
            if (!hear(stream, stream->rest, length, at)) return;
        } else if (!hear(stream, line, length, at))
            return;
    }
    if (line < end) keep(stream, line, end - line);
}

static void serve(struct stream *stream, uint32_t events) {
    if (stream->state != CONNECTING) receive(stream);
    else if (events & (EPOLLERR | EPOLLHUP)) left(stream);
    else ask(stream);
}

/* ---- commands ---- */

static char pending[16]; /* the command that is not answered yet */
static uint64_t wanted;
static int64_t deadline, began;

static void answer(void) {
    int64_t at = now(CLOCK_MONOTONIC);
    printf("{\"streams\": %d, \"open\": %d, \"refused\": %d, \"drops\": %d, \"first_drop\": %lld, \"all_back\": %lld, "
           "\"seconds\": %.4f, \"cpu\": %.6f, \"in_time\": %s}\n",
           number, is_open, refused, drops, (long long)first_drop, (long long)all_back, (at - began) / 1e9,
           now(CLOCK_PROCESS_CPUTIME_ID) / 1e9, at < deadline ? "true" : "false");
    *pending = 0;
}

static void keep_first(int few) {
    for (int place = few; place < number; place++) {
        struct stream *stream = &streams[place];
        if (stream->state != CLOSED && stream->state != AWAY) close(stream->fd);
        if (stream->state == OPEN) is_open--;
        if (stream->state == CONNECTING || stream->state == BEGINNING) opening--;
        free(stream->rest);
    }
    number = few;
    record_forget();
    record_begin(few);
}

static void close_all(void) {
    keep_first(0);
    refused = drops = reconnects = 0;
    first_drop = all_back = 0;
}

static void open_more(int more) {
    if (number) close_all(); /* one set of streams at a time */
    free(streams);
    streams = calloc(more, sizeof *streams);
    for (int place = 0; place < more; place++)
        streams[place] = (struct stream){.fd = -1, .head = place % heads_number, .retry = PATIENCE, .state = AWAY};
    number = more;
    record_begin(more);
}

static void go_on(void) {
    static int64_t next;
    int64_t at = now(CLOCK_MONOTONIC);
    if (is_open + opening == number || at < next) return;
    next = at + 1000000;
    for (int place = 0; place < number && (drops || opening < AT_A_TIME); place++)
        if (streams[place].state == AWAY && streams[place].due <= at) connect_(&streams[place]);
}

static void obey(char *line) {
    char *arguments = line + strcspn(line, " \n");
    if (*arguments) *arguments++ = 0;
    arguments[strcspn(arguments, "\n")] = 0;
    double seconds = 0;
    unsigned long long first = 0;
    sscanf(arguments, "%llu %lf", &first, &seconds);
    began = now(CLOCK_MONOTONIC);
    deadline = began + seconds * 1e9;
    wanted = first;
    snprintf(pending, sizeof pending, "%s", line);
    if (!strcmp(line, "open")) open_more(first);
    else if (!strcmp(line, "report")) record_report(arguments), *pending = 0;
    else if (!strcmp(line, "forget")) record_forget();
    else if (!strcmp(line, "reconnect")) reconnects = 1;
    else if (!strcmp(line, "keep")) keep_first(first < (unsigned)number ? (int)first : number);
    else if (!strcmp(line, "close")) close_all();
}

static int is_done(void) {
    if (now(CLOCK_MONOTONIC) >= deadline) return 1;
    if (!strcmp(pending, "open")) return is_open + refused >= number;
    if (!strcmp(pending, "back")) return drops >= (int)wanted && is_open == number;
    struct event *event = record_of(wanted);
    return event && event->got >= number;
}

int main(int argc, char **argv) {
    if (argc != 6) return fprintf(stderr, "usage: client ADDRESS PORT HEADS EVENT KEY\n"), 2;
    server = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(atoi(argv[2]))};
    inet_pton(AF_INET, argv[1], &server.sin_addr);
    read_heads(argv[3]);
    event_name = argv[4];
    key_prefix = argv[5];
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    setvbuf(stdout, NULL, _IOLBF, 0);
    hub = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event ear = {.events = EPOLLIN}, ready[1024];
    epoll_ctl(hub, EPOLL_CTL_ADD, 0, &ear);
    char *line = NULL;
    size_t room = 0;
    for (;;) {
        int is_waiting = *pending || is_open < number;
        int is_asked = 0, events = epoll_wait(hub, ready, 1024, is_waiting ? 5 : -1);
        for (int place = 0; place < events; place++) {
            if (ready[place].data.ptr) serve(ready[place].data.ptr, ready[place].events);
            else is_asked = 1;
        }
        if (is_asked && getline(&line, &room, stdin) < 0) return 0;
        if (is_asked) obey(line); /* after the streams: it may close them */
        go_on();
        if (*pending && is_done()) answer();
    }
}
