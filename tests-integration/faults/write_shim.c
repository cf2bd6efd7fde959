/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A library for LD_PRELOAD that stands between a process and the system calls by which it changes files below one folder.
 * It counts them, makes a chosen one fail or kills the process before it, and writes each that succeeded to a log, from
 * which `power_loss.py` rebuilds what a disk may hold after the power was cut. Calls on other files pass untouched.
 *
 * Until `shim_begin` is called it does nothing. Threads are served one at a time, so that the log has one order.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { OP_CREATE = 1, OP_WRITE, OP_SYNC, OP_TRUNCATE, OP_RENAME, OP_LINK, OP_UNLINK, OP_MKDIR, OP_RMDIR, OP_SYMLINK, OP_MARK, OP_UNKNOWN };
enum { KIND_ANY = 0, KIND_SYNC = 1 };
enum { MOST_FD = 4096 };

struct head { uint32_t op, length1, length2; int32_t failed; uint64_t inode, offset, size; };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int active, log_fd = -1, fail_errno, fail_kind, fail_kill;
static long fail_at, counted;
static char top[PATH_MAX];
static size_t top_length;
static char *names[MOST_FD];


static void put(const void *data, size_t size) {
    const char *bytes = data;
    while (size) {
        ssize_t done = syscall(SYS_write, log_fd, bytes, size);
        if (done <= 0) abort();
        bytes += done;
        size -= (size_t)done;
    }
}

static void note(uint32_t op, const char *path1, const char *path2, uint64_t inode, uint64_t offset, const void *data, uint64_t size, int failed) {
    if (log_fd < 0) return;
    struct head head = {op, (uint32_t)strlen(path1), (uint32_t)strlen(path2), failed, inode, offset, size};
    put(&head, sizeof head);
    put(path1, head.length1);
    put(path2, head.length2);
    if (data) put(data, size);
}

/* The absolute path that is meant; an empty one if it is too long. */
static void absolute(int folder, const char *path, char *full) {
    full[0] = 0;
    if (path[0] == '/') {
        if (strlen(path) < PATH_MAX) strcpy(full, path);
        return;
    }
    char link[64], base[PATH_MAX];
    ssize_t length;
    if (folder == AT_FDCWD) strcpy(link, "/proc/self/cwd"); else snprintf(link, sizeof link, "/proc/self/fd/%d", folder);
    length = readlink(link, base, sizeof base - 1);
    if (length < 0) return;
    base[length] = 0;
    if (snprintf(full, PATH_MAX, "%s/%s", base, path) >= PATH_MAX) full[0] = 0;
}

static int below(const char *path) {
    return active && !strncmp(path, top, top_length) && (path[top_length] == '/' || !path[top_length]);
}

static const char *name_of(int fd) { return active && fd >= 0 && fd < MOST_FD ? names[fd] : NULL; }

static uint64_t inode_of(int fd) {
    struct stat status;
    return fstat(fd, &status) ? 0 : status.st_ino;
}

/* Count a call; tell whether it is to fail, or do not return. Held: lock. */
static int fails(int is_sync, uint32_t op, const char *path, uint64_t inode) {
    if (fail_kind == KIND_SYNC && !is_sync) return 0;
    if (++counted != fail_at) return 0;
    if (fail_kill) {
        raise(SIGKILL);
        pause();
    }
    note(op, path, "", inode, 0, NULL, 0, fail_errno);
    errno = fail_errno;
    return 1;
}

/* What Python calls. */

void shim_begin(const char *folder, const char *log, int kind, long at, int error, int kill_there) {
    pthread_mutex_lock(&lock);
    strncpy(top, folder, sizeof top - 1);
    top_length = strlen(top);
    log_fd = log[0] ? (int)syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;
    counted = 0, fail_kind = kind, fail_at = at, fail_errno = error, fail_kill = kill_there;
    active = 1;
    pthread_mutex_unlock(&lock);
}

long shim_end(void) {
    pthread_mutex_lock(&lock);
    long number = counted;
    active = 0;
    if (log_fd >= 0) syscall(SYS_close, log_fd);
    log_fd = -1;
    pthread_mutex_unlock(&lock);
    return number;
}

/* From now on another call fails; counting starts anew. */
void shim_arm(int kind, long at, int error, int kill_there) {
    pthread_mutex_lock(&lock);
    counted = 0, fail_kind = kind, fail_at = at, fail_errno = error, fail_kill = kill_there;
    pthread_mutex_unlock(&lock);
}

long shim_counted(void) { return counted; }

void shim_mark(const char *text) {
    pthread_mutex_lock(&lock);
    note(OP_MARK, text, "", 0, 0, NULL, 0, 0);
    pthread_mutex_unlock(&lock);
}

/* Opening and closing. */

static int open_any(int folder, const char *path, int flags, mode_t mode) {
    char full[PATH_MAX];
    absolute(folder, path, full);
    if (!below(full)) return (int)syscall(SYS_openat, folder, path, flags, mode);
    pthread_mutex_lock(&lock);
    struct stat status;
    int is_new = flags & O_CREAT && fstatat(folder, path, &status, 0), fd = -1;
    int empties = !is_new && flags & O_TRUNC && (flags & O_ACCMODE) != O_RDONLY;
    if (!((is_new || empties) && fails(0, OP_CREATE, full, 0))) {
        fd = (int)syscall(SYS_openat, folder, path, flags, mode);
        if (fd >= 0 && fd < MOST_FD) {
            free(names[fd]);
            names[fd] = strdup(full);
            if (is_new) note(OP_CREATE, full, "", inode_of(fd), 0, NULL, 0, 0);
            if (empties) note(OP_TRUNCATE, full, "", inode_of(fd), 0, NULL, 0, 0);
        }
    }
    pthread_mutex_unlock(&lock);
    return fd;
}

#define OPEN(name) \
    int name(const char *path, int flags, ...) { \
        mode_t mode = 0; \
        if (flags & (O_CREAT | O_TMPFILE)) { va_list rest; va_start(rest, flags); mode = (mode_t)va_arg(rest, int); va_end(rest); } \
        return open_any(AT_FDCWD, path, flags, mode); \
    }
#define OPENAT(name) \
    int name(int folder, const char *path, int flags, ...) { \
        mode_t mode = 0; \
        if (flags & (O_CREAT | O_TMPFILE)) { va_list rest; va_start(rest, flags); mode = (mode_t)va_arg(rest, int); va_end(rest); } \
        return open_any(folder, path, flags, mode); \
    }
OPEN(open)
OPEN(open64)
OPENAT(openat)
OPENAT(openat64)
int __open_2(const char *path, int flags) { return open_any(AT_FDCWD, path, flags, 0); }
int __open64_2(const char *path, int flags) { return open_any(AT_FDCWD, path, flags, 0); }
int creat(const char *path, mode_t mode) { return open_any(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode); }

int close(int fd) {
    if (fd >= 0 && fd < MOST_FD && names[fd]) {
        pthread_mutex_lock(&lock);
        free(names[fd]);
        names[fd] = NULL;
        pthread_mutex_unlock(&lock);
    }
    return (int)syscall(SYS_close, fd);
}

/* Content. */

static ssize_t write_any(int fd, const struct iovec *parts, int count, off_t offset, int has_offset) {
    const char *name = name_of(fd);
    if (!name) {
        if (has_offset) return syscall(SYS_pwritev, fd, parts, count, (long)offset, 0L);
        return count == 1 ? syscall(SYS_write, fd, parts->iov_base, parts->iov_len) : syscall(SYS_writev, fd, parts, count);
    }
    pthread_mutex_lock(&lock);
    ssize_t done = -1;
    uint64_t inode = inode_of(fd);
    if (!fails(0, OP_WRITE, name, inode)) {
        if (!has_offset) {
            int flags = fcntl(fd, F_GETFL);
            offset = lseek(fd, 0, flags & O_APPEND ? SEEK_END : SEEK_CUR);
            done = syscall(SYS_writev, fd, parts, count);
        } else {
            done = syscall(SYS_pwritev, fd, parts, count, (long)offset, 0L);
        }
        int saved = errno;
        off_t at = offset;
        for (ssize_t left = done, n = 0; left > 0; n++) {
            size_t size = parts[n].iov_len < (size_t)left ? parts[n].iov_len : (size_t)left;
            note(OP_WRITE, name, "", inode, (uint64_t)at, parts[n].iov_base, size, 0);
            at += (off_t)size;
            left -= (ssize_t)size;
        }
        errno = saved;
    }
    pthread_mutex_unlock(&lock);
    return done;
}

ssize_t write(int fd, const void *data, size_t size) {
    struct iovec part = {(void *)data, size};
    return write_any(fd, &part, 1, 0, 0);
}
ssize_t pwrite(int fd, const void *data, size_t size, off_t offset) {
    struct iovec part = {(void *)data, size};
    return write_any(fd, &part, 1, offset, 1);
}
ssize_t pwrite64(int fd, const void *data, size_t size, off_t offset) { return pwrite(fd, data, size, offset); }
ssize_t writev(int fd, const struct iovec *parts, int count) { return write_any(fd, parts, count, 0, 0); }
ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t offset) { return write_any(fd, parts, count, offset, 1); }
ssize_t pwritev64(int fd, const struct iovec *parts, int count, off_t offset) { return write_any(fd, parts, count, offset, 1); }

static int sync_any(int fd, long number) {
    const char *name = name_of(fd);
    if (!name) return (int)syscall(number, fd);
    pthread_mutex_lock(&lock);
    uint64_t inode = inode_of(fd);
    int result = -1;
    if (!fails(1, OP_SYNC, name, inode)) {
        result = (int)syscall(number, fd);
        if (!result) note(OP_SYNC, name, "", inode, 0, NULL, 0, 0);
    }
    pthread_mutex_unlock(&lock);
    return result;
}
int fsync(int fd) { return sync_any(fd, SYS_fsync); }
int fdatasync(int fd) { return sync_any(fd, SYS_fdatasync); }

int ftruncate(int fd, off_t size) {
    const char *name = name_of(fd);
    if (!name) return (int)syscall(SYS_ftruncate, fd, size);
    pthread_mutex_lock(&lock);
    uint64_t inode = inode_of(fd);
    int result = -1;
    if (!fails(0, OP_TRUNCATE, name, inode)) {
        result = (int)syscall(SYS_ftruncate, fd, size);
        if (!result) note(OP_TRUNCATE, name, "", inode, (uint64_t)size, NULL, 0, 0);
    }
    pthread_mutex_unlock(&lock);
    return result;
}
int ftruncate64(int fd, off_t size) { return ftruncate(fd, size); }

/* These change content in ways that are not modelled: they are refused, and programs fall back to writing. */
static int refuse(int fd, const char *what) {
    if (!name_of(fd)) return 0;
    pthread_mutex_lock(&lock);
    note(OP_UNKNOWN, what, "", 0, 0, NULL, 0, 0);
    pthread_mutex_unlock(&lock);
    errno = EOPNOTSUPP;
    return 1;
}
int fallocate(int fd, int mode, off_t offset, off_t length) { return refuse(fd, "fallocate") ? -1 : (int)syscall(SYS_fallocate, fd, mode, offset, length); }
int fallocate64(int fd, int mode, off_t offset, off_t length) { return fallocate(fd, mode, offset, length); }
int posix_fallocate(int fd, off_t offset, off_t length) { return fallocate(fd, 0, offset, length) ? errno : 0; }
int posix_fallocate64(int fd, off_t offset, off_t length) { return posix_fallocate(fd, offset, length); }
ssize_t sendfile(int out, int in, off_t *offset, size_t count) { return refuse(out, "sendfile") ? -1 : syscall(SYS_sendfile, out, in, offset, count); }
ssize_t sendfile64(int out, int in, off_t *offset, size_t count) { return sendfile(out, in, offset, count); }
ssize_t copy_file_range(int in, off_t *at, int out, off_t *to, size_t size, unsigned flags) {
    return refuse(out, "copy_file_range") ? -1 : syscall(SYS_copy_file_range, in, at, out, to, size, flags);
}

/* Names. */

static uint64_t inode_at(int folder, const char *path) {
    struct stat status;
    return fstatat(folder, path, &status, AT_SYMLINK_NOFOLLOW) ? 0 : status.st_ino;
}

int renameat2(int folder1, const char *path1, int folder2, const char *path2, unsigned flags) {
    char full1[PATH_MAX], full2[PATH_MAX];
    absolute(folder1, path1, full1);
    absolute(folder2, path2, full2);
    if (!below(full1) && !below(full2)) return (int)syscall(SYS_renameat2, folder1, path1, folder2, path2, flags);
    pthread_mutex_lock(&lock);
    int result = -1;
    uint64_t inode = inode_at(folder1, path1);
    if (!fails(0, OP_RENAME, full2, inode)) {
        result = (int)syscall(SYS_renameat2, folder1, path1, folder2, path2, flags);
        if (!result) note(OP_RENAME, full1, full2, inode, 0, NULL, 0, 0);
    }
    pthread_mutex_unlock(&lock);
    return result;
}
int renameat(int folder1, const char *path1, int folder2, const char *path2) { return renameat2(folder1, path1, folder2, path2, 0); }
int rename(const char *path1, const char *path2) { return renameat2(AT_FDCWD, path1, AT_FDCWD, path2, 0); }

int linkat(int folder1, const char *path1, int folder2, const char *path2, int flags) {
    char full1[PATH_MAX], full2[PATH_MAX];
    absolute(folder1, path1, full1);
    absolute(folder2, path2, full2);
    if (!below(full2)) return (int)syscall(SYS_linkat, folder1, path1, folder2, path2, flags);
    pthread_mutex_lock(&lock);
    int result = -1;
    uint64_t inode = inode_at(folder1, path1);
    if (!fails(0, OP_LINK, full2, inode)) {
        result = (int)syscall(SYS_linkat, folder1, path1, folder2, path2, flags);
        if (!result) note(OP_LINK, full1, full2, inode, 0, NULL, 0, 0);
    }
    pthread_mutex_unlock(&lock);
    return result;
}
int link(const char *path1, const char *path2) { return linkat(AT_FDCWD, path1, AT_FDCWD, path2, 0); }

int unlinkat(int folder, const char *path, int flags) {
    char full[PATH_MAX];
    absolute(folder, path, full);
    if (!below(full)) return (int)syscall(SYS_unlinkat, folder, path, flags);
    pthread_mutex_lock(&lock);
    uint64_t inode = inode_at(folder, path);
    int result = (int)syscall(SYS_unlinkat, folder, path, flags);
    if (!result) note(flags & AT_REMOVEDIR ? OP_RMDIR : OP_UNLINK, full, "", inode, 0, NULL, 0, 0);
    pthread_mutex_unlock(&lock);
    return result;
}
int unlink(const char *path) { return unlinkat(AT_FDCWD, path, 0); }
int rmdir(const char *path) { return unlinkat(AT_FDCWD, path, AT_REMOVEDIR); }

int mkdirat(int folder, const char *path, mode_t mode) {
    char full[PATH_MAX];
    absolute(folder, path, full);
    if (!below(full)) return (int)syscall(SYS_mkdirat, folder, path, mode);
    pthread_mutex_lock(&lock);
    int result = -1;
    if (!fails(0, OP_MKDIR, full, 0)) {
        result = (int)syscall(SYS_mkdirat, folder, path, mode);
        if (!result) note(OP_MKDIR, full, "", inode_at(folder, path), 0, NULL, 0, 0);
    }
    pthread_mutex_unlock(&lock);
    return result;
}
int mkdir(const char *path, mode_t mode) { return mkdirat(AT_FDCWD, path, mode); }

int symlinkat(const char *target, int folder, const char *path) {
    char full[PATH_MAX];
    absolute(folder, path, full);
    if (!below(full)) return (int)syscall(SYS_symlinkat, target, folder, path);
    pthread_mutex_lock(&lock);
    int result = -1;
    if (!fails(0, OP_SYMLINK, full, 0)) {
        result = (int)syscall(SYS_symlinkat, target, folder, path);
        if (!result) note(OP_SYMLINK, full, target, inode_at(folder, path), 0, NULL, 0, 0);
    }
    pthread_mutex_unlock(&lock);
    return result;
}
int symlink(const char *target, const char *path) { return symlinkat(target, AT_FDCWD, path); }
