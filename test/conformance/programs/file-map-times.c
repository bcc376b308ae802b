/* Times of a mapped file: mapping counts as reading (file_accessed), a store through a shared mapping as writing (file_update_time). */
#include "../check.h"

static struct stat before, after;

static long long order(struct timespec a, struct timespec b) {
  return a.tv_sec != b.tv_sec ? a.tv_sec - b.tv_sec : a.tv_nsec - b.tv_nsec;
}

static void show(const char *what, int fd) {
  fstat(fd, &after);
  printf("%s: atime %s, mtime %s, ctime %s\n", what, order(after.st_atim, before.st_atim) > 0 ? "later" : "same",
         order(after.st_mtim, before.st_mtim) > 0 ? "later" : order(after.st_mtim, before.st_mtim) < 0 ? "earlier" : "same",
         order(after.st_ctim, before.st_ctim) > 0 ? "later" : "same");
  before = after;
  usleep(30000);
}

static void times_in(const char *place) {
  char name[64];
  snprintf(name, sizeof name, "%s/times", place);
  int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0644);
  if (fd < 0) {
    printf("%s: %s\n", place, error_name(errno));
    return;
  }
  ftruncate(fd, 8192);
  fstat(fd, &before);
  usleep(30000);
  char *map = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  show("mapped", fd);
  map[0] = 1;
  show("stored", fd);
  map[1] = 1;
  map[4096] = 1;
  msync(map, 8192, MS_SYNC);
  show("stored and synced", fd);
  struct timespec old[2] = {{1000, 0}, {2000, 0}};
  futimens(fd, old);
  fstat(fd, &after);
  printf("set: %ld %ld\n", (long)after.st_atime, (long)after.st_mtime);
  munmap(map, 8192);
  fstat(fd, &after);
  printf("unmapped: %ld %ld\n", (long)after.st_atime, (long)after.st_mtime);
  before = after;
  map = mmap(NULL, 8192, PROT_READ, MAP_PRIVATE, fd, 0);
  show("mapped privately", fd);
  char c = map[0];
  show(c ? "read" : "lost", fd);
  pwrite(fd, "x", 1, 10);
  show("written", fd);
  close(fd);
  unlink(name);
}

int main(void) {
  times_in("/dev/shm");
  return 0;
}
