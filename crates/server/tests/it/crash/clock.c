/* A clock that is wrong, for one process: preloaded before the C library (LD_PRELOAD).
 *
 * CLOCK_OFFSET_MS  milliseconds that the time of day is ahead; negative when it is behind
 * CLOCK_SPEED      how many times as fast the time passes that timers go by; the time of day is not changed
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>

static long offset_ms(void) {
    const char *text = getenv("CLOCK_OFFSET_MS");
    return text ? atol(text) : 0;
}

static void move(time_t *seconds, long *fraction, long units_per_ms, long units) {
    long moved = *fraction + offset_ms() % 1000 * units_per_ms;
    *seconds += offset_ms() / 1000;
    if (moved < 0) {
        moved += units;
        *seconds -= 1;
    } else if (moved >= units) {
        moved -= units;
        *seconds += 1;
    }
    *fraction = moved;
}

/* Only the seconds of the process count: timers compare times with each other. */
static void hurry(struct timespec *now) {
    static long long begin;
    const char *text = getenv("CLOCK_SPEED");
    long speed = text ? atol(text) : 1;
    long long nanos = now->tv_sec * 1000000000LL + now->tv_nsec;
    if (speed < 2) return;
    if (!begin) begin = nanos;
    nanos = begin + (nanos - begin) * speed;
    now->tv_sec = nanos / 1000000000LL;
    now->tv_nsec = nanos % 1000000000LL;
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
    int failed = real(clock, now);
    if (!failed && clock == CLOCK_MONOTONIC) hurry(now);
    if (!failed && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        move(&now->tv_sec, &now->tv_nsec, 1000000, 1000000000);
    return failed;
}

int gettimeofday(struct timeval *now, void *zone) {
    static int (*real)(struct timeval *, void *);
    if (!real) real = dlsym(RTLD_NEXT, "gettimeofday");
    int failed = real(now, zone);
    if (!failed && now) {
        long fraction = now->tv_usec;
        move(&now->tv_sec, &fraction, 1000, 1000000);
        now->tv_usec = fraction;
    }
    return failed;
}

time_t time(time_t *result) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (result) *result = now.tv_sec;
    return now.tv_sec;
}
