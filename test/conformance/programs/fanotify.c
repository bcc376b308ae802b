/* fanotify(7) with an open file for each event: marks of inodes, mounts and filesystems, what is ignored, who did it. */
#include "../check.h"
#include <poll.h>
#include <sys/fanotify.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mount.h>

static char buffer[4096];
static pid_t child_pid;

static const struct { uint64_t bit; const char *name; } bits[] = {
    {FAN_ACCESS, "access"}, {FAN_MODIFY, "modify"}, {FAN_CLOSE_WRITE, "close-write"}, {FAN_CLOSE_NOWRITE, "close"},
    {FAN_OPEN, "open"}, {FAN_OPEN_EXEC, "exec"}, {FAN_Q_OVERFLOW, "overflow"}, {FAN_ONDIR, "directory"},
};

/* All queued events: their bits, whose they are, and the last part of the event's file. */
static void drain(int fan) {
  ssize_t n = read(fan, buffer, sizeof buffer);
  if (n < 0) {
    printf("  none: %s\n", error_name(errno));
    return;
  }
  for (struct fanotify_event_metadata *event = (void *)buffer; FAN_EVENT_OK(event, n); event = FAN_EVENT_NEXT(event, n)) {
    char link[40], target[PATH_MAX] = "";
    snprintf(link, sizeof link, "/proc/self/fd/%d", event->fd);
    ssize_t length = readlink(link, target, sizeof target - 1);
    if (length < 0) length = 0;
    target[length] = 0;
    char *last = strrchr(target, '/');
    printf("  %s:", last ? last + 1 : "?");
    for (size_t i = 0; i < sizeof bits / sizeof *bits; i++)
      if (event->mask & bits[i].bit) printf(" %s", bits[i].name);
    printf(" by %s, flags %x, cloexec %d, version %d, length %d\n", event->pid == getpid() ? "itself" : event->pid == child_pid ? "a child" : "another",
           fcntl(event->fd, F_GETFL) & ~O_LARGEFILE, fcntl(event->fd, F_GETFD), event->vers, event->metadata_len);
    if (event->fd >= 0) {
      char byte;
      (void)!read(event->fd, &byte, 1);
      close(event->fd);
    }
  }
}

static void touch(const char *name, int flags) {
  char byte = 'x';
  int fd = open(name, flags, 0644);
  if (fd < 0) return;
  if ((flags & O_ACCMODE) == O_RDONLY) (void)!read(fd, &byte, 1);
  else (void)!write(fd, &byte, 1);
  close(fd);
}

#define ALL (FAN_ACCESS | FAN_MODIFY | FAN_CLOSE | FAN_OPEN)
#define MARK(fan, how, mask, path) T(fanotify_mark(fan, how, mask, AT_FDCWD, path))

static void refusals(int fan) {
  T(fanotify_init(0x80000000, O_RDONLY));
  T(fanotify_init(FAN_CLASS_CONTENT | FAN_CLASS_PRE_CONTENT, O_RDONLY));
  T(fanotify_init(0, O_RDONLY | O_CREAT));
  T(fanotify_init(0, 3));
  T(fanotify_init(FAN_REPORT_NAME, O_RDONLY));
  T(fanotify_init(FAN_CLASS_CONTENT | FAN_REPORT_FID, O_RDONLY));
  MARK(fan, FAN_MARK_ADD, 0, "file");
  MARK(fan, 0, FAN_OPEN, "file");
  MARK(fan, FAN_MARK_ADD | FAN_MARK_REMOVE, FAN_OPEN, "file");
  MARK(fan, 0x8000, FAN_OPEN, "file");
  MARK(fan, FAN_MARK_ADD, FAN_CREATE, ".");
  MARK(fan, FAN_MARK_ADD, FAN_ATTRIB, "file");
  MARK(fan, FAN_MARK_ADD, 0x80000000, "file");
  MARK(fan, FAN_MARK_ADD, FAN_Q_OVERFLOW, "file");
  MARK(fan, FAN_MARK_ADD | FAN_MARK_ONLYDIR, FAN_OPEN, "file");
  MARK(fan, FAN_MARK_ADD, FAN_OPEN, "missing");
  MARK(fan, FAN_MARK_ADD, FAN_OPEN, (char *)-1);
  MARK(fan, FAN_MARK_REMOVE, FAN_OPEN, "file");
  MARK(fan, FAN_MARK_FLUSH | FAN_MARK_ONLYDIR, 0, "file");
  MARK(fan, FAN_MARK_ADD | FAN_MARK_IGNORE | FAN_MARK_IGNORED_MASK, FAN_OPEN, "file");
  MARK(fan, FAN_MARK_ADD | FAN_MARK_IGNORE, FAN_OPEN, ".");
  MARK(fan, FAN_MARK_ADD | FAN_MARK_IGNORE | FAN_MARK_MOUNT, FAN_OPEN, ".");
  MARK(fan, FAN_MARK_ADD | FAN_MARK_IGNORE_SURV, FAN_OPEN | FAN_ONDIR, "file");
  MARK(fan, FAN_MARK_ADD | FAN_MARK_MOUNT | FAN_MARK_EVICTABLE, FAN_OPEN, ".");
  MARK(-1, FAN_MARK_ADD, FAN_OPEN, "file");
  MARK(0, FAN_MARK_ADD, FAN_OPEN, "file");
  T(fanotify_mark(fan, FAN_MARK_ADD, FAN_OPEN, -1, "file"));
  T(fanotify_mark(fan, FAN_MARK_ADD, FAN_OPEN, -1, NULL));
  T(read(fan, buffer, 10));
  T(write(fan, buffer, 4));
  T(lseek(fan, 1, SEEK_SET));
}

int main(void) {
  int fan = fanotify_init(FAN_CLASS_NOTIF | FAN_NONBLOCK, O_RDONLY);
  if (fan < 0 && errno == EPERM) {
    puts("not permitted");
    return 0;
  }
  close(open("file", O_RDWR | O_CREAT, 0644));
  mkdir("dir", 0755);
  close(open("dir/inside", O_RDWR | O_CREAT, 0644));
  symlink("file", "link");
  refusals(fan);
  drain(fan);

  puts("a file");
  MARK(fan, FAN_MARK_ADD, ALL, "link");
  touch("file", O_RDONLY);
  int count = 0;
  T(ioctl(fan, FIONREAD, &count));
  T(count);
  struct pollfd one = {.fd = fan, .events = POLLIN};
  T(poll(&one, 1, 0));
  T(read(fan, buffer, 10));
  drain(fan);
  touch("file", O_WRONLY);
  drain(fan);
  T(truncate("file", 5));
  drain(fan);
  touch("file", O_RDWR | O_TRUNC);
  drain(fan);
  fflush(stdout);
  if ((child_pid = fork()) == 0) {
    touch("file", O_RDONLY);
    _exit(0);
  }
  waitpid(child_pid, NULL, 0);
  touch("file", O_RDONLY);
  drain(fan);

  puts("what is ignored");
  MARK(fan, FAN_MARK_ADD | FAN_MARK_IGNORED_MASK, FAN_ACCESS | FAN_OPEN, "file");
  touch("file", O_RDONLY);
  drain(fan);
  touch("file", O_WRONLY);
  touch("file", O_RDONLY);
  drain(fan);
  MARK(fan, FAN_MARK_ADD | FAN_MARK_IGNORED_MASK | FAN_MARK_IGNORED_SURV_MODIFY, FAN_OPEN, "file");
  touch("file", O_WRONLY);
  touch("file", O_RDONLY);
  drain(fan);
  MARK(fan, FAN_MARK_REMOVE | FAN_MARK_IGNORED_MASK, FAN_OPEN, "file");
  MARK(fan, FAN_MARK_REMOVE, ALL & ~FAN_OPEN, "file");
  touch("file", O_RDONLY);
  drain(fan);
  MARK(fan, FAN_MARK_REMOVE, FAN_OPEN, "file");
  MARK(fan, FAN_MARK_REMOVE, FAN_OPEN, "file");
  int writer = open("file", O_WRONLY);
  MARK(fan, FAN_MARK_ADD, FAN_OPEN, "file");
  MARK(fan, FAN_MARK_ADD | FAN_MARK_IGNORED_MASK, FAN_OPEN, "file");
  touch("file", O_RDONLY);
  drain(fan);
  close(writer);
  MARK(fan, FAN_MARK_FLUSH, 0, "file");
  touch("file", O_RDONLY);
  drain(fan);

  puts("a directory");
  MARK(fan, FAN_MARK_ADD, FAN_OPEN | FAN_CLOSE, "dir");
  touch("dir/inside", O_RDONLY);
  close(open("dir", O_RDONLY));
  drain(fan);
  MARK(fan, FAN_MARK_ADD, FAN_EVENT_ON_CHILD, "dir");
  touch("dir/inside", O_RDONLY);
  close(open("dir", O_RDONLY));
  drain(fan);
  MARK(fan, FAN_MARK_ADD, FAN_ONDIR, "dir");
  touch("dir/inside", O_WRONLY);
  close(open("dir", O_RDONLY));
  drain(fan);
  MARK(fan, FAN_MARK_ADD | FAN_MARK_IGNORED_MASK, FAN_OPEN, "dir/inside");
  touch("dir/inside", O_RDONLY);
  drain(fan);
  MARK(fan, FAN_MARK_FLUSH, 0, "dir");

  puts("programs");
  char script[] = "#!/bin/true\n";
  int fd = open("dir/program", O_WRONLY | O_CREAT, 0755);
  (void)!write(fd, script, sizeof script - 1);
  close(fd);
  MARK(fan, FAN_MARK_ADD, FAN_OPEN | FAN_OPEN_EXEC, "dir/program");
  fflush(stdout);
  if ((child_pid = fork()) == 0) {
    char *argv[] = {"program", NULL};
    execve("dir/program", argv, argv);
    _exit(1);
  }
  waitpid(child_pid, NULL, 0);
  drain(fan);
  MARK(fan, FAN_MARK_REMOVE, FAN_OPEN, "dir/program");
  touch("dir/program", O_RDONLY);
  drain(fan);
  MARK(fan, FAN_MARK_FLUSH, 0, "dir");

  puts("a mount and a filesystem");
  if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) || mkdir("one", 0755) || mkdir("two", 0755)) return 1;
  if (mount("fan", "one", "tmpfs", 0, NULL) || mkdir("one/dir", 0755) || mount("one", "two", NULL, MS_BIND, NULL)) return 1;
  touch("one/file", O_WRONLY | O_CREAT);
  MARK(fan, FAN_MARK_ADD | FAN_MARK_MOUNT, ALL, "one/dir");
  touch("one/file", O_RDONLY);
  touch("two/file", O_RDONLY);
  close(open("one/dir", O_RDONLY));
  drain(fan);
  MARK(fan, FAN_MARK_ADD | FAN_MARK_MOUNT, FAN_ONDIR, "one");
  MARK(fan, FAN_MARK_ADD | FAN_MARK_IGNORED_MASK, FAN_OPEN, "one/file");
  touch("one/file", O_RDONLY);
  close(open("one/dir", O_RDONLY));
  drain(fan);
  T(fanotify_mark(fan, FAN_MARK_FLUSH | FAN_MARK_MOUNT, 0, AT_FDCWD, "/"));
  MARK(fan, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, FAN_OPEN, "two/file");
  MARK(fan, FAN_MARK_FLUSH, 0, "/");
  touch("one/file", O_RDONLY);
  touch("two/file", O_RDONLY);
  drain(fan);
  int writable = fanotify_init(FAN_CLOEXEC | FAN_NONBLOCK | FAN_REPORT_TID, O_RDWR | O_CLOEXEC | O_APPEND);
  T(fcntl(writable, F_GETFD));
  T(fcntl(writable, F_GETFL));
  MARK(writable, FAN_MARK_ADD, FAN_CLOSE_WRITE, "one/file");
  touch("two/file", O_WRONLY);
  drain(writable);
  drain(fan);
  T(umount2("two", 0));
  close(fan);
  close(writable);
  T(umount2("one", 0));
  return 0;
}
