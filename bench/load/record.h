/* What arrived: for each event the time of its arrival at each stream. */
#ifndef RECORD_H
#define RECORD_H

#include <stdint.h>

struct event {
    uint64_t id;
    int64_t *arrived; /* by stream, nanoseconds of CLOCK_MONOTONIC; 0: not yet */
    int got, twice;   /* streams that have it; arrivals beyond the first */
    int size;         /* bytes of its frame, the blank line included */
};

void record_begin(int streams);
void record_arrival(uint64_t id, int stream, int64_t at, int size);
struct event *record_of(uint64_t id); /* NULL: nobody has it */
void record_forget(void);

/* Prints one line of JSON on "ID:BEGAN ID:BEGAN …", of all arrivals together; BEGAN as `arrived`. */
void record_report(char *list);

#endif
