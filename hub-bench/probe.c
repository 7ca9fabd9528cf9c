/* probe.c - see probe.h. Everything comes from /proc and from the CPU clocks of
 * other processes, which count in nanoseconds.
 *
 * Memory is Pss_Anon + Pss_Shmem + SwapPss of smaps_rollup: what connections
 * can increase. Pages of files are left out, because their share changes
 * whenever some other process that maps the same library starts or ends.
 */
#include "probe.h"

#include <ctype.h>
#include <dirent.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"

#define STATE_LISTEN 0x0A
#define SOCKETS_MAX 64 /* listening on one port: SO_REUSEPORT allows many */

struct inodes {
    uint64_t list[SOCKETS_MAX];
    size_t count;
};

/* Finding the server. --------------------------------------------------- */

static bool add(struct probe *p, pid_t pid)
{
    clockid_t clock;

    if (p->count == PROBE_PIDS_MAX || clock_getcpuclockid(pid, &clock) != 0)
        return false;
    p->pids[p->count] = pid;
    p->clocks[p->count++] = clock;
    return true;
}

pid_t probe_take(struct probe *p, const pid_t *pids, size_t count)
{
    p->count = 0;
    for (size_t i = 0; i < count; i++) {
        if (!add(p, pids[i]))
            return pids[i];
    }
    return 0;
}

/* An address can only be bound if it is this machine's. */
static bool is_local(const struct sockaddr *address)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } copy = {.any.sa_family = AF_UNSPEC};
    socklen_t bytes =
        address->sa_family == AF_INET ? sizeof(copy.v4) : sizeof(copy.v6);
    int fd = socket(address->sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool local;

    memcpy(&copy, address, bytes);
    if (address->sa_family == AF_INET)
        copy.v4.sin_port = 0;
    else
        copy.v6.sin6_port = 0;
    local = fd >= 0 && bind(fd, &copy.any, bytes) == 0;
    if (fd >= 0)
        (void)close(fd);
    return local;
}

/* The address as in /proc/net/tcp and tcp6: words in host byte order. */
static void format_address(const struct sockaddr *address, char v4[9],
                           char v6[33])
{
    uint32_t words[4] = {0};

    v4[0] = '\0';
    if (address->sa_family == AF_INET) {
        memcpy(&words[3], &((const struct sockaddr_in *)address)->sin_addr, 4);
        words[2] = htonl(0xffff); /* RFC 4291 2.5.5.2 */
        (void)snprintf(v4, 9, "%08" PRIX32, words[3]);
    } else {
        memcpy(words, &((const struct sockaddr_in6 *)address)->sin6_addr, 16);
    }
    for (size_t i = 0; i < 4; i++)
        (void)snprintf(v6 + i * 8, 9, "%08" PRIX32, words[i]);
}

static bool is_any(const char *hex)
{
    return hex[strspn(hex, "0")] == '\0';
}

/* Adds the sockets that listen on a port of that address, or of all addresses.
 */
static void add_listeners(struct inodes *inodes, const char *path,
                          const char *address, unsigned port)
{
    char line[512], local[33];
    unsigned local_port, state;
    uint64_t inode;
    FILE *file = fopen(path, "re");

    if (file == NULL)
        return;
    while (fgets(line, sizeof(line), file) != NULL) {
        /* NOLINTNEXTLINE(cert-err34-c): the kernel's numbers fit */
        if (sscanf(line,
                   " %*d: %32[0-9A-F]:%4x %*[0-9A-F]:%*x %2x %*x:%*x %*x:%*x "
                   "%*x %*u %*u %" SCNu64,
                   local, &local_port, &state, &inode) == 4 &&
            state == STATE_LISTEN && local_port == port &&
            (is_any(local) || strcmp(local, address) == 0) &&
            inodes->count < SOCKETS_MAX)
            inodes->list[inodes->count++] = inode;
    }
    (void)fclose(file);
}

static bool is_listener(const struct inodes *inodes, const char *link)
{
    uint64_t inode;

    if (strncmp(link, "socket:[", 8) != 0)
        return false;
    inode = strtoull(link + 8, NULL, 10);
    for (size_t i = 0; i < inodes->count; i++) {
        if (inodes->list[i] == inode)
            return true;
    }
    return false;
}

/* Whether a process has one of the sockets open. */
static bool holds(const char *pid, const struct inodes *inodes)
{
    char path[64], link[64];
    bool found = false;
    struct dirent *entry;
    DIR *dir;

    (void)snprintf(path, sizeof(path), "/proc/%.16s/fd", pid);
    dir = opendir(path);
    if (dir == NULL)
        return false;
    while (!found && (entry = readdir(dir)) != NULL) {
        ssize_t bytes =
            readlinkat(dirfd(dir), entry->d_name, link, sizeof(link) - 1);

        link[bytes < 0 ? 0 : bytes] = '\0';
        found = is_listener(inodes, link);
    }
    (void)closedir(dir);
    return found;
}

void probe_find(struct probe *p, const struct sockaddr *address)
{
    struct inodes inodes = {.count = 0};
    char v4[9], v6[33];
    struct dirent *entry;
    unsigned port;
    DIR *dir;

    p->count = 0;
    if (!is_local(address))
        return;
    /* sin6_port is at the same offset as sin_port. */
    port = ntohs(((const struct sockaddr_in *)address)->sin_port);
    format_address(address, v4, v6);
    add_listeners(&inodes, "/proc/net/tcp", v4, port);
    add_listeners(&inodes, "/proc/net/tcp6", v6, port);
    dir = opendir("/proc");
    if (dir == NULL)
        return;
    while (inodes.count != 0 && (entry = readdir(dir)) != NULL) {
        if (isdigit((unsigned char)entry->d_name[0]) &&
            holds(entry->d_name, &inodes))
            (void)add(p, (pid_t)strtol(entry->d_name, NULL, 10));
    }
    (void)closedir(dir);
}

/* Measuring. ------------------------------------------------------------ */

void probe_moment(const struct probe *p, struct probe_moment *out)
{
    int64_t sum = p->count == 0 ? -1 : 0;

    for (size_t i = 0; i < p->count; i++) {
        int64_t ns = clock_ns(p->clocks[i]);

        sum = ns < 0 || sum < 0 ? -1 : sum + ns;
    }
    out->server_cpu_ns = sum;
    out->own_cpu_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
    out->at_ns = now_ns();
}

/* The number of bytes in a line "Name:   12 kB", if the name matches. */
static int64_t field(const char *line, const char *name)
{
    size_t bytes = strlen(name);

    if (strncmp(line, name, bytes) != 0 || line[bytes] != ':')
        return 0;
    return strtoll(line + bytes + 1, NULL, 10) * 1024;
}

static int64_t memory_of(pid_t pid)
{
    char path[64], line[256];
    int64_t sum = 0;
    bool known = false;
    FILE *file;

    (void)snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", (int)pid);
    file = fopen(path, "re");
    if (file == NULL)
        return -1;
    while (fgets(line, sizeof(line), file) != NULL) {
        known = known || strncmp(line, "Pss_Anon:", 9) == 0;
        sum += field(line, "Pss_Anon") + field(line, "Pss_Shmem") +
               field(line, "SwapPss");
    }
    (void)fclose(file);
    return known ? sum : -1;
}

int64_t probe_memory_bytes(const struct probe *p)
{
    int64_t sum = p->count == 0 ? -1 : 0;

    for (size_t i = 0; i < p->count; i++) {
        int64_t bytes = memory_of(p->pids[i]);

        sum = bytes < 0 || sum < 0 ? -1 : sum + bytes;
    }
    return sum;
}

int64_t probe_socket_bytes(void)
{
    FILE *file = fopen("/proc/net/sockstat", "re");
    char line[256];
    int64_t pages = -1;

    if (file == NULL)
        return -1;
    while (fgets(line, sizeof(line), file) != NULL) {
        const char *mem =
            strncmp(line, "TCP:", 4) == 0 ? strstr(line, " mem ") : NULL;

        if (mem != NULL)
            pages = strtoll(mem + 5, NULL, 10);
    }
    (void)fclose(file);
    return pages < 0 ? -1 : pages * sysconf(_SC_PAGESIZE);
}
