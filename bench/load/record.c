#include "record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST 4096 /* events between two record_forget() */

static struct event events[MOST];
static int count, streams;

void record_begin(int number) { streams = number; }

struct event *record_of(uint64_t id) {
    for (int place = count - 1; place >= 0; place--) /* nearly always the newest */
        if (events[place].id == id) return &events[place];
    return NULL;
}

static struct event *added(uint64_t id) {
    if (count == MOST) {
        fprintf(stderr, "more than %d events\n", MOST);
        exit(1);
    }
    struct event *event = &events[count++];
    *event = (struct event){.id = id, .arrived = calloc(streams, sizeof(int64_t))};
    return event;
}

void record_arrival(uint64_t id, int stream, int64_t at, int size) {
    struct event *event = record_of(id);
    if (!event) event = added(id);
    if (event->arrived[stream]) {
        event->twice++;
        return;
    }
    event->arrived[stream] = at;
    event->got++;
    event->size = size;
}

void record_forget(void) {
    while (count) free(events[--count].arrived);
}

static int by_value(const void *one, const void *other) {
    int64_t a = *(const int64_t *)one, b = *(const int64_t *)other;
    return (a > b) - (a < b);
}

static double ranked(const int64_t *sorted, int length, double share) { /* by nearest rank, in milliseconds */
    if (!length) return 0;
    int rank = (int)(share * length);
    if (rank < share * length) rank++;
    return sorted[(rank > 0 ? rank : 1) - 1] / 1e6;
}

void record_report(char *list) {
    int listed = 0, length = 0, lost = 0, twice = 0, size = 0;
    int64_t last = 0, *took = NULL;
    for (char *word = strtok(list, " "); word; word = strtok(NULL, " "), listed++) {
        char *colon = strchr(word, ':');
        int64_t began = colon ? strtoll(colon + 1, NULL, 10) : 0;
        struct event *event = record_of(strtoull(word, NULL, 10));
        lost += streams - (event ? event->got : 0);
        if (!event) continue;
        twice += event->twice;
        size = event->size;
        took = realloc(took, (length + event->got) * sizeof *took);
        for (int stream = 0; stream < streams; stream++) {
            if (!event->arrived[stream]) continue;
            took[length++] = event->arrived[stream] - began;
            if (event->arrived[stream] > last) last = event->arrived[stream];
        }
    }
    qsort(took, length, sizeof *took, by_value);
    printf("{\"events\": %d, \"deliveries\": %d, \"lost\": %d, \"twice\": %d, \"size\": %d, \"completed\": %lld, "
           "\"p50\": %.4f, \"p99\": %.4f, \"max\": %.4f}\n",
           listed, length, lost, twice, size, (long long)last, ranked(took, length, 0.5), ranked(took, length, 0.99),
           ranked(took, length, 1));
    free(took);
}
