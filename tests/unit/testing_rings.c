/* testing_rings.c - see testing_rings.h. */
#include "testing_rings.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "loop/sender.h"
#include "testing.h"

bool testing_has_rings(void)
{
    struct hub__sender sender;
    int err = hub__sender_init(&sender, HUB_SENDER_URING);

    hub__sender_fini(&sender); /* no assertion: it may be asked by main() */
    return err == 0;
}

static bool is_ring(const char *fd)
{
    char path[64], name[64];
    ssize_t bytes;

    snprintf(path, sizeof path, "/proc/self/fd/%.20s", fd);
    bytes = readlink(path, name, sizeof name - 1);
    if (bytes < 0)
        return false;
    name[bytes] = '\0';
    return strcmp(name, "anon_inode:[io_uring]") == 0;
}

unsigned testing_break_rings(void)
{
    int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    DIR *fds = opendir("/proc/self/fd");
    const struct dirent *entry;
    unsigned count = 0;

    /* No assertion: it may be another thread that asks. */
    while (fds != NULL && (entry = readdir(fds)) != NULL) {
        if (is_ring(entry->d_name) &&
            dup2(nothing, (int)strtol(entry->d_name, NULL, 10)) >= 0)
            count++;
    }
    if (fds != NULL)
        closedir(fds);
    if (nothing >= 0)
        close(nothing);
    return count;
}

static bool refuse_rings(void)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_io_uring_setup, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {TESTING_LENGTH(code), code};

    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

int testing_without_rings(int (*check)(void))
{
    enum { CANNOT = 255 };
    pid_t child = fork();
    int status;

    ck_assert_int_ge(child, 0);
    if (child == 0)
        _exit(refuse_rings() ? check() : CANNOT);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(WIFEXITED(status), "it ended with status %d", status);
    return WEXITSTATUS(status) == CANNOT ? -1 : WEXITSTATUS(status);
}
