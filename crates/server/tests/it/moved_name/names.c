/* A name that leads where a file says, for one process: preloaded before the C library (LD_PRELOAD).
 *
 * NAMES_HOST  the name
 * NAMES_FILE  its addresses, one a line
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **result) {
    int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **) =
        dlsym(RTLD_NEXT, "getaddrinfo");
    const char *name = getenv("NAMES_HOST"), *path = getenv("NAMES_FILE");
    if (!node || !name || !path || strcmp(node, name)) return real(node, service, hints, result);
    FILE *file = fopen(path, "r");
    if (!file) return EAI_AGAIN;
    char line[64];
    struct addrinfo **end = result;
    *result = NULL;
    while (fgets(line, sizeof line, file)) {
        struct addrinfo *found;
        line[strcspn(line, "\n")] = 0;
        if (real(line, service, hints, &found)) continue;
        *end = found;
        while (*end) end = &(*end)->ai_next;
    }
    fclose(file);
    return *result ? 0 : EAI_NONAME;
}
