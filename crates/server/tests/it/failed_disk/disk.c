/* A disk in trouble, for one process: preloaded before the C library (LD_PRELOAD).
 *
 * DISK_FILE    a file whose writes are remembered until they are synced
 * DISK_SWITCH  while this file exists: the next sync of DISK_FILE fails with EIO, undoes what was written since the last
 *              sync, as a system may that drops pages it could not write, and removes the switch. Syncs after it succeed.
 * DISK_BLIND   while this file exists: reads of DISK_FILE fail with EIO, and those of DISK_OTHER, if it is given
 * DISK_DEATH   a number: the process kills itself before the n-th call that changes a name or syncs a file
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct change {
    struct change *before;
    off_t at;
    size_t length;
    char old[];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct change *newest;
static off_t synced_size = -1;

static void *original(const char *name) { return dlsym(RTLD_NEXT, name); }

/* Whether the descriptor is the file at a path. */
static int is_at(int fd, const char *path, struct stat *here) {
    struct stat there;
    if (!path || fstat(fd, here) || !S_ISREG(here->st_mode) || stat(path, &there)) return 0;
    return here->st_ino == there.st_ino && here->st_dev == there.st_dev;
}

/* Whether the descriptor is the watched file; its size is noted at the first look. */
static int is_watched(int fd) {
    struct stat here;
    if (!is_at(fd, getenv("DISK_FILE"), &here)) return 0;
    if (synced_size < 0) synced_size = here.st_size;
    return 1;
}

static void forget_changes(void) {
    while (newest) {
        struct change *gone = newest;
        newest = gone->before;
        free(gone);
    }
}

static void remember(int fd, off_t at, size_t length) {
    struct change *change = malloc(sizeof *change + length);
    ssize_t (*get)(int, void *, size_t, off_t) = original("pread");
    ssize_t read = change ? get(fd, change->old, length, at) : -1;
    if (read < 0) abort();
    change->before = newest;
    change->at = at;
    change->length = (size_t)read;
    newest = change;
}

static void undo(int fd) {
    ssize_t (*put)(int, const void *, size_t, off_t) = original("pwrite");
    for (struct change *change = newest; change; change = change->before)
        if (put(fd, change->old, change->length, change->at) < 0) abort();
    if (ftruncate(fd, synced_size)) abort();
    forget_changes();
}

static void die_at_the_chosen_call(void) {
    static int calls;
    const char *chosen = getenv("DISK_DEATH");
    if (chosen && __sync_add_and_fetch(&calls, 1) == atoi(chosen)) kill(getpid(), SIGKILL);
}

ssize_t write(int fd, const void *bytes, size_t length) {
    ssize_t (*real)(int, const void *, size_t) = original("write");
    if (!getenv("DISK_FILE")) return real(fd, bytes, length);
    pthread_mutex_lock(&lock);
    if (is_watched(fd)) remember(fd, lseek(fd, 0, SEEK_CUR), length);
    ssize_t result = real(fd, bytes, length);
    int error = errno;
    pthread_mutex_unlock(&lock);
    errno = error;
    return result;
}

static ssize_t write_at(const char *name, int fd, const void *bytes, size_t length, off_t at) {
    ssize_t (*real)(int, const void *, size_t, off_t) = original(name);
    pthread_mutex_lock(&lock);
    if (is_watched(fd)) remember(fd, at, length);
    ssize_t result = real(fd, bytes, length, at);
    int error = errno;
    pthread_mutex_unlock(&lock);
    errno = error;
    return result;
}

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t at) { return write_at("pwrite", fd, bytes, length, at); }
ssize_t pwrite64(int fd, const void *bytes, size_t length, off_t at) { return write_at("pwrite64", fd, bytes, length, at); }

static ssize_t read_at(const char *name, int fd, void *bytes, size_t length, off_t at) {
    ssize_t (*real)(int, void *, size_t, off_t) = original(name);
    const char *chosen = getenv("DISK_BLIND");
    if (chosen && access(chosen, F_OK) == 0) {
        pthread_mutex_lock(&lock);
        struct stat here;
        int fails = is_watched(fd) || is_at(fd, getenv("DISK_OTHER"), &here);
        pthread_mutex_unlock(&lock);
        if (fails) {
            errno = EIO;
            return -1;
        }
    }
    return real(fd, bytes, length, at);
}

ssize_t pread(int fd, void *bytes, size_t length, off_t at) { return read_at("pread", fd, bytes, length, at); }
ssize_t pread64(int fd, void *bytes, size_t length, off_t at) { return read_at("pread64", fd, bytes, length, at); }

static int sync_file(const char *name, int fd) {
    int (*real)(int) = original(name);
    die_at_the_chosen_call();
    pthread_mutex_lock(&lock);
    const char *chosen = getenv("DISK_SWITCH");
    int result, error = 0;
    if (!is_watched(fd)) {
        result = real(fd);
        error = errno;
    } else if (chosen && unlink(chosen) == 0) {
        undo(fd);
        result = -1;
        error = EIO;
    } else {
        struct stat now;
        result = real(fd);
        error = errno;
        forget_changes();
        if (fstat(fd, &now) == 0) synced_size = now.st_size;
    }
    pthread_mutex_unlock(&lock);
    errno = error;
    return result;
}

int fsync(int fd) { return sync_file("fsync", fd); }
int fdatasync(int fd) { return sync_file("fdatasync", fd); }

int rename(const char *from, const char *to) {
    int (*real)(const char *, const char *) = original("rename");
    die_at_the_chosen_call();
    return real(from, to);
}

int linkat(int from_folder, const char *from, int to_folder, const char *to, int flags) {
    int (*real)(int, const char *, int, const char *, int) = original("linkat");
    die_at_the_chosen_call();
    return real(from_folder, from, to_folder, to, flags);
}

int link(const char *from, const char *to) {
    int (*real)(const char *, const char *) = original("link");
    die_at_the_chosen_call();
    return real(from, to);
}

int unlink(const char *path) {
    int (*real)(const char *) = original("unlink");
    die_at_the_chosen_call();
    return real(path);
}
