/* Preloaded into a process: writes down, or makes fail, what it does to files under $SHIM_ROOT. Built and used by disk_trial.py.

   $SHIM_LOG: every operation as one record: a line "KIND PATH OFFSET LENGTH OTHER\n", then LENGTH bytes.
   $SHIM_FAIL_AT, $SHIM_FAIL_HOW (enospc, eio, short, fsync): the operation that fails, counted from 1 among those it can happen to.
   Maps of shared memory are not seen: SQLite keeps only its index of the WAL there, which it makes anew after a crash. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#define REAL(type, name, ...) static type (*real_##name)(__VA_ARGS__); if (!real_##name) real_##name = dlsym(RTLD_NEXT, #name)

static long count = 0;

static int under(const char *path) {
    const char *root = getenv("SHIM_ROOT");
    return root && !strncmp(path, root, strlen(root)) && !strstr(path, "-shm");
}

static int of_descriptor(int fd, char *path) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, PATH_MAX - 1);
    if (n <= 0) return 0;
    path[n] = 0;
    return under(path);
}

static void note(const char *kind, const char *path, long long offset, size_t length, const void *data, const char *other) {
    static int log = -2;
    REAL(ssize_t, write, int, const void *, size_t);
    REAL(int, open64, const char *, int, ...);
    if (log == -2) log = getenv("SHIM_LOG") ? real_open64(getenv("SHIM_LOG"), O_WRONLY | O_CREAT | O_APPEND, 0600) : -1;
    if (log < 0) return;
    int saved = errno;
    char head[2 * PATH_MAX + 128];
    int n = snprintf(head, sizeof head, "%s\t%s\t%lld\t%zu\t%s\n", kind, path, offset, data ? length : 0, other);
    if (real_write(log, head, n) != n || (data && real_write(log, data, length) != (ssize_t)length)) abort();
    errno = saved;
}

/* 0: go on; 1: fail with errno set; 2: write half. */
static int fails(const char *kind) {
    const char *at = getenv("SHIM_FAIL_AT"), *how = getenv("SHIM_FAIL_HOW");
    if (!at || !how) return 0;
    int sync = !strcmp(kind, "fsync"), write = !strcmp(kind, "write");
    if (!strcmp(how, "fsync") ? !sync : !strcmp(how, "short") ? !write : !strcmp(how, "enospc") ? sync : 0) return 0;
    if (++count != atol(at)) return 0;
    fprintf(stderr, "shim: failed\n");
    if (!strcmp(how, "short")) return 2;
    errno = strcmp(how, "enospc") ? EIO : ENOSPC;
    return 1;
}

ssize_t write(int fd, const void *data, size_t length) {
    REAL(ssize_t, write, int, const void *, size_t);
    char path[PATH_MAX];
    int ours = fd > 2 && of_descriptor(fd, path);
    if (ours) {
        int failure = fails("write");
        if (failure == 1) return -1;
        if (failure == 2 && length > 1) length /= 2;
    }
    off_t before = ours ? lseek(fd, 0, SEEK_CUR) : 0;
    if (ours && (fcntl(fd, F_GETFL) & O_APPEND)) before = lseek(fd, 0, SEEK_END);
    ssize_t n = real_write(fd, data, length);
    if (ours && n > 0) note("write", path, before, n, data, "");
    return n;
}

ssize_t pwrite64(int fd, const void *data, size_t length, off64_t offset) {
    REAL(ssize_t, pwrite64, int, const void *, size_t, off64_t);
    char path[PATH_MAX];
    int ours = of_descriptor(fd, path);
    if (ours) {
        int failure = fails("write");
        if (failure == 1) return -1;
        if (failure == 2 && length > 1) length /= 2;
    }
    ssize_t n = real_pwrite64(fd, data, length, offset);
    if (ours && n > 0) note("write", path, offset, n, data, "");
    return n;
}

ssize_t pwrite(int fd, const void *data, size_t length, off_t offset) { return pwrite64(fd, data, length, offset); }

int ftruncate64(int fd, off64_t length) {
    REAL(int, ftruncate64, int, off64_t);
    char path[PATH_MAX];
    int ours = of_descriptor(fd, path);
    if (ours && fails("truncate")) return -1;
    int result = real_ftruncate64(fd, length);
    if (ours && !result) note("truncate", path, length, 0, NULL, "");
    return result;
}

int ftruncate(int fd, off_t length) { return ftruncate64(fd, length); }

static int synced(int fd, int (*real)(int)) {
    char path[PATH_MAX];
    int ours = of_descriptor(fd, path);
    if (ours && fails("fsync")) return -1;
    int result = real(fd);
    if (ours && !result) note("fsync", path, 0, 0, NULL, "");
    return result;
}

int fsync(int fd) { REAL(int, fsync, int); return synced(fd, real_fsync); }
int fdatasync(int fd) { REAL(int, fdatasync, int); return synced(fd, real_fdatasync); }

static void absolute(int base, const char *path, char *out) {
    char folder[PATH_MAX];
    if (path[0] == '/') { snprintf(out, PATH_MAX, "%s", path); return; }
    if (base == AT_FDCWD) { if (!getcwd(folder, sizeof folder)) folder[0] = 0; }
    else { char link[64]; snprintf(link, sizeof link, "/proc/self/fd/%d", base); ssize_t n = readlink(link, folder, PATH_MAX - 1); folder[n > 0 ? n : 0] = 0; }
    if (snprintf(out, PATH_MAX, "%s/%s", folder, path) >= PATH_MAX) abort();
}

static int opened(int base, const char *path, int flags, mode_t mode, int (*real)(int, const char *, int, ...)) {
    char full[PATH_MAX];
    absolute(base, path, full);
    int creates = (flags & O_CREAT) && under(full) && access(full, F_OK);
    if (creates && fails("create")) return -1;
    int cuts = (flags & O_TRUNC) && under(full) && !creates;
    int fd = real(base, path, flags, mode);
    if (fd >= 0 && creates) note("create", full, 0, 0, NULL, "");
    if (fd >= 0 && cuts) note("truncate", full, 0, 0, NULL, "");
    return fd;
}

#define MODE(last) va_list args; va_start(args, last); mode_t mode = (flags & (O_CREAT | O_TMPFILE)) ? va_arg(args, mode_t) : 0; va_end(args)
int open64(const char *path, int flags, ...) { REAL(int, openat64, int, const char *, int, ...); MODE(flags); return opened(AT_FDCWD, path, flags, mode, real_openat64); }
int open(const char *path, int flags, ...) { REAL(int, openat64, int, const char *, int, ...); MODE(flags); return opened(AT_FDCWD, path, flags, mode, real_openat64); }
int openat64(int base, const char *path, int flags, ...) { REAL(int, openat64, int, const char *, int, ...); MODE(flags); return opened(base, path, flags, mode, real_openat64); }
int openat(int base, const char *path, int flags, ...) { REAL(int, openat64, int, const char *, int, ...); MODE(flags); return opened(base, path, flags, mode, real_openat64); }

int rename(const char *from, const char *to) {
    REAL(int, rename, const char *, const char *);
    char a[PATH_MAX], b[PATH_MAX];
    absolute(AT_FDCWD, from, a);
    absolute(AT_FDCWD, to, b);
    if (under(b) && fails("rename")) return -1;
    int result = real_rename(from, to);
    if (!result && under(b)) note("rename", a, 0, 0, NULL, b);
    return result;
}

int unlink(const char *path) {
    REAL(int, unlink, const char *);
    char full[PATH_MAX];
    absolute(AT_FDCWD, path, full);
    int result = real_unlink(path);
    if (!result && under(full)) note("unlink", full, 0, 0, NULL, "");
    return result;
}

int mkdir(const char *path, mode_t mode) {
    REAL(int, mkdir, const char *, mode_t);
    char full[PATH_MAX];
    absolute(AT_FDCWD, path, full);
    int result = real_mkdir(path, mode);
    if (!result && under(full)) note("mkdir", full, 0, 0, NULL, "");
    return result;
}
